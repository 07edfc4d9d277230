import { createParser } from 'eventsource-parser'
import { LinkFailure } from './failure.ts'
import { MAX_MESSAGE_BYTES } from './link.ts'
import type { BodyReader } from './pool.ts'

/** What is set aside for a body that says how long it will be, before anything of it has come. */
const MOST_AHEAD = 1024 * 1024
const nothing = Buffer.alloc(0)

/** Collects a whole body, up to the size of one message, in one piece of memory: where its length is known, in one copy, or
 * none when it comes in one piece. */
export class WholeBody implements BodyReader {
  #memory: Buffer = nothing
  #length = 0
  readonly #announced: number

  /** `announced` bytes are to come; NaN when nobody said. */
  constructor(announced = Number.NaN) {
    this.#announced = announced
  }

  /** What has come. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  chunk(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > MAX_MESSAGE_BYTES) throw new LinkFailure('broken', 'the answer is larger than 16 MiB')
    if (length === this.#announced && this.#length === 0) this.#memory = bytes
    else this.#add(bytes, length)
    this.#length = length
  }

  end(): void {}

  #add(bytes: Buffer, length: number): void {
    if (length > this.#memory.length) this.#grow(length)
    bytes.copy(this.#memory, this.#length)
  }

  #grow(needed: number): void {
    const wished = this.#length === 0 ? Math.min(this.#announced || 0, MOST_AHEAD) : 2 * this.#memory.length
    const memory = Buffer.allocUnsafe(Math.max(needed, wished))
    this.bytes.copy(memory)
    this.#memory = memory
  }
}

export interface EventBodyOptions {
  /** What an earlier part of the same stream left. */
  readonly lastId?: string | undefined
  readonly retry?: number | undefined
  /** Takes events that are no messages. */
  readonly named?: (event: string, data: string) => void
}

/**
 * Reads server-sent events as they arrive, however the bytes are split. An event that lacks only its final blank line
 * is still taken: half a message would not parse as JSON anyway.
 */
export class EventBody implements BodyReader {
  /** Of the newest event that had one, to resume from. */
  lastId: string | undefined
  /** The server's wish for the pause before a reconnect, in milliseconds. */
  retry: number | undefined
  /** Events with data so far. */
  events = 0
  readonly #decoder = new TextDecoder()
  readonly #parser

  constructor(take: (data: string) => void, { lastId, retry, named }: EventBodyOptions = {}) {
    this.lastId = lastId
    this.retry = retry
    this.#parser = createParser({
      maxBufferSize: MAX_MESSAGE_BYTES,
      onRetry: (ms) => {
        this.retry = ms
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded')
          throw new LinkFailure('broken', 'an event is larger than 16 MiB', { cause: error })
      },
      onEvent: ({ id, event, data }) => {
        if (id !== undefined) this.lastId = id
        if (event !== undefined && event !== 'message') return named?.(event, data)
        if (data === '') return
        this.events++
        take(data)
      },
    })
  }

  chunk(bytes: Buffer): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }))
  }

  end(): void {
    this.#parser.feed(`${this.#decoder.decode()}\n\n`)
  }
}
