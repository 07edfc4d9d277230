const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
/** How much of an oversized line's two ends is kept, to find the id of the request it answered. */
const KEPT = 1024

export interface FramerEvents {
  line(text: string): void
  /** A line above the limit was dropped; `ends` is its beginning and its end. */
  oversized(ends: { readonly head: string; readonly tail: string }): void
}

/**
 * Cuts a byte stream into lines. Every byte is looked at once and copied at most twice, however the stream is split:
 * chunks of an unfinished line wait in a list. A line above the limit is skipped, not buffered.
 */
export class LineFramer {
  readonly #limit: number
  readonly #events: FramerEvents
  #chunks: Buffer[] = []
  #length = 0
  #skipping = false

  constructor(limit: number, events: FramerEvents) {
    this.#limit = limit
    this.#events = events
  }

  /** Bytes of the unfinished line, kept or skipped. */
  get pending(): number {
    return this.#length
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#append(chunk.subarray(start, end))
      this.#finish()
      start = end + 1
    }
    if (start < chunk.length) this.#append(chunk.subarray(start))
  }

  #append(part: Buffer): void {
    this.#length += part.length
    if (!this.#skipping && this.#length <= this.#limit) {
      this.#chunks.push(part)
      return
    }
    this.#skip(part)
  }

  /** From here on only the two ends of the line are kept: the first chunk is the head, the second the tail. */
  #skip(part: Buffer): void {
    const seen = this.#skipping ? this.#chunks : [Buffer.concat(this.#chunks)]
    const [head = Buffer.alloc(0), tail = head] = seen
    this.#skipping = true
    this.#chunks = [Buffer.from(head.subarray(0, KEPT)), Buffer.from(Buffer.concat([tail, part]).subarray(-KEPT))]
  }

  #finish(): void {
    const chunks = this.#chunks
    const skipping = this.#skipping
    this.#chunks = []
    this.#length = 0
    this.#skipping = false
    if (skipping) {
      this.#events.oversized({ head: String(chunks[0]), tail: String(chunks[1]) })
      return
    }
    const text = decode(chunks)
    if (text !== '') this.#events.line(text)
  }
}

function decode(chunks: readonly Buffer[]): string {
  const line = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length
  return line.toString('utf8', 0, end)
}
