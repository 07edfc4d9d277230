import { byteLength, type Text } from '../mcp/text.ts'

/** What is kept of one stream. */
const MOST_EVENTS = 256
const OVERHEAD = 256
export const RING_BYTES = 1024 * 1024

/** A message at its place in a stream. */
export interface Kept {
  readonly seq: number
  readonly body: Text
  readonly bytes: number
}

/** The newest messages of one stream, for a client that comes back: bounded by their number and their bytes. */
export class Ring {
  readonly #kept: Kept[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** What is larger than the whole ring pushes everything else out. */
  push(kept: Kept): void {
    this.#kept.push(kept)
    this.#bytes += kept.bytes
    while (this.#kept.length > MOST_EVENTS || (this.#bytes > RING_BYTES && this.#kept.length > 1)) this.#drop()
  }

  /** What came after this place, oldest first, as far as it is still there. */
  after(seq: number): readonly Kept[] {
    return this.#kept.filter((kept) => kept.seq > seq)
  }

  clear(): void {
    this.#kept.length = 0
    this.#bytes = 0
  }

  #drop(): void {
    this.#bytes -= this.#kept.shift()?.bytes ?? 0
  }
}

/** What a message weighs in bytes, its place in memory included. */
export function bytesOf(body: Text): number {
  return OVERHEAD + byteLength(body)
}
