import { createParser } from 'eventsource-parser'
import { LinkFailure } from './failure.ts'
import { MAX_MESSAGE_BYTES } from './link.ts'
import type { BodyReader } from './pool.ts'

/** Collects a whole body as text, up to the size of one message. */
export class TextBody implements BodyReader {
  text = ''
  /** The same, as it came. */
  bytes: Buffer = Buffer.alloc(0)
  #chunks: Buffer[] = []
  #length = 0

  chunk(bytes: Buffer): void {
    this.#length += bytes.length
    if (this.#length > MAX_MESSAGE_BYTES) throw new LinkFailure('broken', 'the answer is larger than 16 MiB')
    this.#chunks.push(bytes)
  }

  end(): void {
    const [only = this.bytes] = this.#chunks
    this.bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks, this.#length) : only
    this.text = this.bytes.toString()
    this.#chunks = []
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
