const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** What decides where a message goes and whether it may. */
const DECISIVE = ['"method"', '"name"', '"uri"']

/** An object or a list that is open; of those that decide, the names of the members so far. */
interface Level {
  readonly isMessage: boolean
  readonly names: Set<string> | undefined
  name: string
}

/**
 * Whether a message, or one of a batch, has a member twice, itself or in its params: whoever stood in front of us and took
 * the first of them would have judged another message than we do. The text must be JSON. What goes on from here is
 * written anew and has each member once, so names that only escapes make the same can do no harm and are not looked for.
 */
export function hasTwins(text: string): boolean {
  // Native searches: most texts have none of these words twice, at whatever depth.
  return DECISIVE.some((word) => isTwice(text, word)) && walk(text)
}

function isTwice(text: string, word: string): boolean {
  const first = text.indexOf(word)
  return first !== -1 && text.indexOf(word, first + word.length) !== -1
}

function walk(text: string): boolean {
  const open: Level[] = []
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const level = open.at(-1)
    if (code === QUOTE) {
      const end = closingQuote(text, i + 1)
      if (level?.names && isName(text, end + 1)) {
        level.name = text.slice(i + 1, end)
        if (level.names.has(level.name)) return true
        level.names.add(level.name)
      }
      i = end
    } else if (code === 0x7b) open.push(object(open))
    else if (code === 0x5b) open.push({ isMessage: false, names: undefined, name: '' })
    else if (code === 0x7d || code === 0x5d) open.pop()
  }
  return false
}

/** The first object is a message, and so is each of a list that is all there is. */
function object(open: readonly Level[]): Level {
  const above = open.at(-1)
  const isMessage = open.length === 0 || (open.length === 1 && above?.names === undefined)
  const isParams = above?.isMessage === true && above.name === 'params'
  return { isMessage, names: isMessage || isParams ? new Set() : undefined, name: '' }
}

function closingQuote(text: string, start: number): number {
  let i = start
  for (let code = text.charCodeAt(i); i < text.length && code !== QUOTE; code = text.charCodeAt(i))
    i += code === BACKSLASH ? 2 : 1
  return i
}

/** Whether what ends before `at` is the name of a member: a colon follows. */
function isName(text: string, at: number): boolean {
  let i = at
  while (text.charCodeAt(i) <= 0x20) i++
  return text.charCodeAt(i) === COLON
}
