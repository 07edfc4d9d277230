const BACKSLASH = 0x5c
const COLON = 0x3a

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
  // What decides where a message goes and whether it may. Native searches: most texts have none of it twice, at any depth.
  // They look for a first character, of which a quote would be the most common one.
  if (!isTwice(text, 'method"') && !isTwice(text, 'name"') && !isTwice(text, 'uri"')) return false
  return walk(text)
}

function isTwice(text: string, word: string): boolean {
  const first = text.indexOf(word)
  return first !== -1 && text.indexOf(word, first + word.length) !== -1
}

/** What others hold is all alike. */
const other: Level = { isMessage: false, names: undefined, name: '' }

function walk(text: string): boolean {
  const open: Level[] = []
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) {
      const end = closingQuote(text, i + 1)
      const level = open.at(-1)
      if (level?.names && isName(text, end + 1)) {
        level.name = text.slice(i + 1, end)
        if (level.names.has(level.name)) return true
        level.names.add(level.name)
      }
      i = end
    } else if (code === 0x7b) open.push(object(open))
    else if (code === 0x5b) open.push(other)
    else if (code === 0x7d || code === 0x5d) open.pop()
  }
  return false
}

/** The first object is a message, and so is each of a list that is all there is. */
function object(open: readonly Level[]): Level {
  const above = open.at(-1)
  const isMessage = open.length === 0 || (open.length === 1 && above?.names === undefined)
  const isParams = above?.isMessage === true && above.name === 'params'
  return isMessage || isParams ? { isMessage, names: new Set(), name: '' } : other
}

/** Another native search: most of a text is within quotes. */
function closingQuote(text: string, start: number): number {
  let end = text.indexOf('"', start)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === BACKSLASH) first--
  return (at - first) % 2 === 1
}

/** Whether what ends before `at` is the name of a member: a colon follows. */
function isName(text: string, at: number): boolean {
  let i = at
  while (text.charCodeAt(i) <= 0x20) i++
  return text.charCodeAt(i) === COLON
}
