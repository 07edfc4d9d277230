const DEEPEST = 1000

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether JSON nests deeper than anything that stringifies it again could bear. Looks at the text, before anything is
 * built from it; what stands in strings does not count.
 */
export function isTooDeep(text: string): boolean {
  // Most messages have not even so many braces, and counting those is a native search.
  if (!hasMoreThan(DEEPEST, text)) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = closingQuote(text, i)
    else if (isOpening(code)) depth++
    else if (isClosing(code)) depth--
    if (depth > DEEPEST) return true
  }
  return false
}

/** The same of what is built already, wherever it came from. */
export function nestsTooDeep(value: unknown, most: number = DEEPEST): boolean {
  if (typeof value !== 'object' || value === null) return false
  return most === 0 || Object.values(value).some((one) => nestsTooDeep(one, most - 1))
}

/** About as many characters as it has in JSON. What nests too deep is to be refused before. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 3
  if (typeof value !== 'object' || value === null) return 6
  let weight = 2
  for (const [key, one] of Object.entries(value)) weight += key.length + 4 + weightOf(one)
  return weight
}

/** Whether there are more opening braces and brackets, in strings or not. */
function hasMoreThan(most: number, text: string): boolean {
  if (text.length <= most) return false
  let found = 0
  for (const brace of ['{', '[']) {
    for (let i = text.indexOf(brace); i !== -1; i = text.indexOf(brace, i + 1)) {
      found++
      if (found > most) return true
    }
  }
  return false
}

function closingQuote(text: string, opening: number): number {
  let i = opening + 1
  for (let code = text.charCodeAt(i); i < text.length && code !== QUOTE; code = text.charCodeAt(i))
    i += code === BACKSLASH ? 2 : 1
  return i
}

function isOpening(code: number): boolean {
  return code === 0x5b || code === 0x7b
}

function isClosing(code: number): boolean {
  return code === 0x5d || code === 0x7d
}
