import { TextDecoder } from 'node:util'
import { createParser, type EventSourceParser } from 'eventsource-parser'
import { LinkFailure } from './failure.ts'
import { MAX_MESSAGE_BYTES } from './link.ts'
import type { BodyReader } from './pool.ts'

/** What is set aside for a body that says how long it will be, before anything of it has come. */
const MOST_AHEAD = 1024 * 1024
const nothing = Buffer.alloc(0)

/**
 * Collects a whole body, up to the size of one message, in one piece of memory: where its length is known, in one copy,
 * or in none when it comes in one piece.
 */
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
  readonly #take: (data: string) => void
  readonly #named: EventBodyOptions['named']
  /** From the first bytes on that are anything else than one plain event. */
  #parsing: Parsing | undefined

  constructor(take: (data: string) => void, { lastId, retry, named }: EventBodyOptions = {}) {
    this.#take = take
    this.#named = named
    this.lastId = lastId
    this.retry = retry
  }

  chunk(bytes: Buffer): void {
    const data = this.#parsing ? undefined : plainEvent(bytes)
    if (data === undefined) this.#parse((decoder) => decoder.decode(bytes, { stream: true }))
    else this.#event(data)
  }

  end(): void {
    if (this.#parsing) this.#parse((decoder) => `${decoder.decode()}\n\n`)
  }

  #parse(textOf: (decoder: TextDecoder) => string): void {
    // Only what a stream begins with can be a byte order mark.
    this.#parsing ??= { decoder: new TextDecoder('utf-8', { ignoreBOM: this.events > 0 }), parser: this.#makeParser() }
    const { decoder, parser } = this.#parsing
    parser.feed(textOf(decoder))
  }

  #event(data: string): void {
    this.events++
    this.#take(data)
  }

  #makeParser(): EventSourceParser {
    return createParser({
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
        if (event !== undefined && event !== 'message') return this.#named?.(event, data)
        if (data !== '') this.#event(data)
      },
    })
  }
}

interface Parsing {
  readonly decoder: TextDecoder
  readonly parser: EventSourceParser
}

const LINE_FEED = 0x0a
/** To the letter, as the libraries write it that most servers are made with. */
const plain = /^(?:event: message\r?\n)?data: (\{[^\r\n]*)(\r?\n)\2$/

/**
 * The data of bytes that are one event of one line of data without an id, as most answers are that come in one piece.
 * Undefined for anything else.
 */
function plainEvent(bytes: Buffer): string | undefined {
  return bytes.at(-1) === LINE_FEED ? plain.exec(bytes.toString())?.[1] : undefined
}
