const BRACE = 0x7b
const BRACKET = 0x5b
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
/** Above the byte that opens an object or a list, the byte that closes it. */
const CLOSING = 2
/** Deeper nesting is for others to look at. */
const DEEPEST = 990
/** Strings up to here are walked; looking for the end of longer ones is left to native code. */
const SHORT = 32

/** Told where the name of a member begins and ends, without its quotes; of some strings too that name nothing. */
export type OnName = (start: number, end: number) => void

/**
 * Where the JSON object ends that begins at `start`, as far as strings and braces tell: the place is certain, whether a
 * reader can make sense of what is inside is not. Undefined when there is none. Builds nothing.
 */
export function endOfObject(bytes: Buffer, start: number, onName?: OnName): number | undefined {
  if (bytes[start] !== BRACE) return undefined
  const open: number[] = []
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) {
      const from = i + 1
      i = closingQuote(bytes, from)
      if (onName && !isBehindValue(bytes[i + 1])) onName(from, i)
    } else if (isOpening(byte) && open.push(byte + CLOSING) > DEEPEST) return undefined
    else if (isClosing(byte)) {
      if (open.pop() !== byte) return undefined
      if (open.length === 0) return i + 1
    }
  }
  return undefined
}

/** Behind the last byte when it is not there. */
function closingQuote(bytes: Buffer, start: number): number {
  let i = start
  while (i < bytes.length) {
    for (const near = Math.min(i + SHORT, bytes.length); i < near; i++) {
      const byte = bytes[i]
      if (byte === QUOTE) return i
      if (byte === BACKSLASH) i++
    }
    const quote = bytes.indexOf(QUOTE, i)
    if (quote === -1) break
    if (!isEscaped(bytes, i, quote)) return quote
    i = quote + 1
  }
  return bytes.length
}

/** By an odd number of backslashes before it; what `start` points to is escaped by nothing. */
function isEscaped(bytes: Buffer, start: number, quote: number): boolean {
  let i = quote
  while (i > start && bytes[i - 1] === BACKSLASH) i--
  return (quote - i) % 2 === 1
}

function isOpening(byte: number | undefined): byte is number {
  return byte === BRACE || byte === BRACKET
}

function isClosing(byte: number | undefined): boolean {
  return byte === BRACE + CLOSING || byte === BRACKET + CLOSING
}

function isBehindValue(byte: number | undefined): boolean {
  return byte === COMMA || isClosing(byte)
}
