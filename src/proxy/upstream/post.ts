import { type Id, isRequest, type RpcMessage } from '../mcp/rpc.ts'
import { parseMessage } from '../mcp/verbatim.ts'
import { answers, header, interpret, mediaType } from './answer.ts'
import { EventBody, WholeBody } from './body.ts'
import { LinkFailure } from './failure.ts'
import type { LinkEvents } from './link.ts'
import type { BodyReader, Cut, Head } from './pool.ts'

/** How long a server may hold on to a stream that has brought its answer. */
const LINGER_MS = 5000

export interface PostOptions {
  readonly message: RpcMessage
  readonly isModern: boolean
  /** Whether the message carries a session id. */
  readonly inSession: boolean
  readonly events: Pick<LinkEvents, 'received' | 'spoiled'>
}

/** The response to one POST: an answer as JSON, or a stream of events with the answer among them. */
export class Post {
  readonly #options: PostOptions
  /** Of the message, when it is a request. */
  readonly id: Id | undefined
  #body = new WholeBody()
  #head: Head = { status: 0, headers: {} }
  #events: EventBody | undefined
  #isAnswered = false
  #linger: NodeJS.Timeout | undefined

  constructor(options: PostOptions) {
    this.#options = options
    this.id = isRequest(options.message) ? options.message.id : undefined
  }

  /** The response's stream, when it is one. */
  get events(): EventBody | undefined {
    return this.#events
  }

  get isAnswered(): boolean {
    return this.#isAnswered
  }

  open(head: Head, cut: Cut): BodyReader {
    this.#head = head
    const isStream = head.status === 200 && mediaType(head) === 'text/event-stream'
    if (this.id === undefined || !isStream) {
      this.#body = new WholeBody(Number(header(head, 'content-length')))
      return this.#body
    }
    this.#events = new EventBody((data) => this.#take(data, cut))
    return this.#events
  }

  /** One event of this response, or of a stream that continues it. */
  deliver(data: string): void {
    const value = parse(data)
    if (value === undefined) {
      this.#options.events.spoiled(this.id, 'an event is not JSON')
      return
    }
    this.#options.events.received(value, this.id)
    if (this.id !== undefined && answers(value, this.id)) this.#isAnswered = true
  }

  /** At the end of a body that was no stream. Throws LinkFailure when it is no answer. */
  finish(): void {
    const { message, inSession, isModern, events } = this.#options
    const value = interpret({ message, head: this.#head, bytes: this.#body.bytes, inSession, isModern })
    if (value === undefined) return
    events.received(value, this.id)
    if (this.id !== undefined && !answers(value, this.id))
      throw new LinkFailure('broken', 'the answer is for another request')
  }

  /** To be called when the response is over, however it ended. */
  close(): void {
    clearTimeout(this.#linger)
  }

  #take(data: string, cut: Cut): void {
    const before = this.#isAnswered
    this.deliver(data)
    if (before || !this.#isAnswered) return
    this.#linger = setTimeout(() => cut(new LinkFailure('ended', 'the stream outlived its answer')), LINGER_MS)
  }
}

/** Undefined, which no JSON text stands for, when it is not JSON. */
export function parse(data: string): unknown {
  try {
    return parseMessage(data)
  } catch {
    // The caller reports it.
    return undefined
  }
}
