/** Bytes that are ready as they are, between two short pieces of text. */
export interface Framed {
  readonly head: string
  readonly bytes: Buffer
  readonly tail: string
}

/** One message as it goes out: a line of JSON. */
export type Text = string | Framed

/** Of the message in UTF-8. */
export function byteLength(text: Text): number {
  if (typeof text === 'string') return Buffer.byteLength(text)
  return Buffer.byteLength(text.head) + text.bytes.length + Buffer.byteLength(text.tail)
}

/** How to write a text of so many bytes in UTF-8: with as many bytes as characters it is ASCII, which need not be encoded. */
export function encodingOf(text: string, bytes: number): 'latin1' | 'utf8' {
  return bytes === text.length ? 'latin1' : 'utf8'
}

/** The message in one piece, where it has to become part of another. */
export function whole(text: Text): string {
  return typeof text === 'string' ? text : `${text.head}${text.bytes}${text.tail}`
}

/** Whether it is of several lines, which neither an event of a stream nor a message on a pipe may be. */
export function hasBreak(text: string | Buffer): boolean {
  if (typeof text === 'string') return text.includes('\n') || text.includes('\r')
  // By number: a search for one byte costs least.
  return text.includes(0x0a) || text.includes(0x0d)
}
