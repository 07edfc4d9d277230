import type { ServerResponse } from 'node:http'
import type { Beating, Pulse } from './pulse.ts'
import { type Body, EventStream, QUEUE_LIMIT } from './stream.ts'

/** Silence after which a waiting POST becomes a stream, before clients and the proxies between give up on it. */
const PATIENCE = 8000

export interface ReplyOptions {
  readonly response: ServerResponse
  readonly pulse: Pulse
  /** How many requests the POST carried. */
  readonly expected: number
  /** Whether they came as a batch, so that their answers are one too. */
  readonly isBatch: boolean
}

/**
 * The answer to one POST. The head is held back until it is clear what it becomes: plain JSON when nothing but the
 * responses comes, an event stream as soon as anything else does or the wait gets long.
 */
export class Reply implements Beating {
  readonly #options: ReplyOptions
  readonly #since = performance.now()
  readonly #bodies: Body[] = []
  #missing: number
  #status = 200
  #stream: EventStream | undefined

  constructor(options: ReplyOptions) {
    this.#options = options
    this.#missing = options.expected
    options.pulse.add(this)
  }

  /** Whether the client still reads. */
  get isOpen(): boolean {
    return !this.#options.response.destroyed && !this.#options.response.writableEnded
  }

  /**
   * A message before the last response; returns whether it could be sent. To a reader that is too slow for them it is
   * skipped: the response, which is what was asked for, still comes.
   */
  send(body: Body): boolean {
    if (!this.isOpen || this.#options.response.writableLength > QUEUE_LIMIT) return false
    return this.#upgrade().send(body)
  }

  /** The response to one of the requests. `status` is that of an answer that is one JSON body; a stream has 200. */
  respond(body: Body, status = 200): void {
    this.#missing--
    this.#status = status
    if (this.#stream && this.#missing === 0) this.#stream.finish(body)
    else if (this.#stream) this.#stream.send(body)
    else this.#bodies.push(body)
    if (this.#missing === 0) this.#finish()
  }

  /** One of the requests gets no response: the client cancelled it. */
  abandon(): void {
    this.#missing--
    if (this.#missing === 0) this.#finish()
  }

  beat(now: number): void {
    if (!this.isOpen) this.#options.pulse.delete(this)
    else if (now - this.#since >= PATIENCE) this.#upgrade()
  }

  #upgrade(): EventStream {
    if (this.#stream) return this.#stream
    const { response, pulse } = this.#options
    pulse.delete(this)
    const stream = new EventStream(response, pulse)
    this.#stream = stream
    for (const body of this.#bodies) stream.send(body)
    return stream
  }

  #finish(): void {
    const { pulse, isBatch } = this.#options
    pulse.delete(this)
    if (!this.isOpen) return
    const [first] = this.#bodies
    if (this.#stream || first === undefined) this.#upgrade().end()
    else this.#json(isBatch ? batch(this.#bodies) : first)
  }

  #json(body: Body): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    const { response } = this.#options
    response.writeHead(this.#status, { 'content-type': 'application/json', 'content-length': length })
    response.end(body)
  }
}

function batch(bodies: readonly Body[]): string {
  return `[${bodies.map(String).join(',')}]`
}
