const DEEPEST = 1000

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Whether JSON nests deeper than anything that stringifies it again could bear. Looks at bytes, before anything is
 * built from them; text in strings does not count.
 */
export function isTooDeep(bytes: Buffer): boolean {
  if (bytes.length <= DEEPEST) return false
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = closingQuote(bytes, i)
    else if (isOpening(byte)) depth++
    else if (isClosing(byte)) depth--
    if (depth > DEEPEST) return true
  }
  return false
}

function closingQuote(bytes: Buffer, opening: number): number {
  let i = opening + 1
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
  return i
}

function isOpening(byte: number | undefined): boolean {
  return byte === 0x5b || byte === 0x7b
}

function isClosing(byte: number | undefined): boolean {
  return byte === 0x5d || byte === 0x7d
}
