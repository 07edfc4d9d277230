const BRACE = 0x7b
const BRACKET = 0x5b
const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Above the byte that opens an object or a list, the byte that closes it. */
const CLOSING = 2
/** Deeper nesting is for others to look at. */
const DEEPEST = 1000
/** Strings up to here are walked; looking for the end of longer ones is left to native code. */
const SHORT = 32

/**
 * Whether the bytes from `start` to `end` are one JSON object and nothing else, as far as strings and braces tell: where
 * it begins and ends is certain, whether a reader can make sense of what is inside is not. Builds nothing.
 */
export function isOneObject(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== BRACE) return false
  const open: number[] = []
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = closingQuote(bytes, i, end)
    else if (isOpening(byte) && open.push(byte + CLOSING) > DEEPEST) return false
    else if (isClosing(byte)) {
      if (open.pop() !== byte) return false
      if (open.length === 0) return i === end - 1
    }
  }
  return false
}

/** `end` when it is not there. */
function closingQuote(bytes: Buffer, opening: number, end: number): number {
  let i = opening + 1
  while (i < end) {
    for (const near = Math.min(i + SHORT, end); i < near; i++) {
      const byte = bytes[i]
      if (byte === QUOTE) return i
      if (byte === BACKSLASH) i++
    }
    const quote = bytes.indexOf(QUOTE, i)
    if (quote === -1 || quote >= end) return end
    if (!isEscaped(bytes, i, quote)) return quote
    i = quote + 1
  }
  return end
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
