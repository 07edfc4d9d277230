import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { byteLength, encodingOf, type Framed, type Text, whole } from '../mcp/text.ts'
import { prefersStream } from './content.ts'
import type { Beating, Pulse } from './pulse.ts'
import type { Outlet } from './questions.ts'
import { EventStream, QUEUE_LIMIT } from './stream.ts'

/** Silence after which a waiting POST becomes a stream, before clients and the proxies between give up on it. */
const PATIENCE = 8000

/** The stream an answer becomes, or goes to from the beginning. */
export interface AnswerStream extends Outlet {
  /** Whether the client is away but may come back for what is sent meanwhile. */
  readonly isAwaited?: boolean
  /** Bytes that wait for the reader. */
  readonly backlog: number
  finish(body: Text): void
  end(): void
  /** Ends the connection alone; the client comes back for the rest. */
  part?(retryMs: number | undefined): void
}

export interface ReplyOptions {
  readonly response: ServerResponse
  readonly pulse: Pulse
  /** How many requests the POST carried. */
  readonly expected: number
  /** Whether they came as a batch, so that their answers are one too. */
  readonly isBatch: boolean
  /** Makes the response a stream that can be resumed; without it a plain one. */
  readonly open?: () => AnswerStream
  /** Takes everything: the response itself carries no answer. */
  readonly stream?: AnswerStream
}

/**
 * The answer to one POST. The head is held back until it is clear what it becomes: plain JSON when nothing but the
 * responses comes, an event stream as soon as anything else does, the wait gets long, or the client likes that better.
 */
export class Reply {
  readonly #options: ReplyOptions
  readonly #patience = new Patience(this)
  readonly #since = performance.now()
  #bodies: readonly Text[] = []
  #missing: number
  #status = 200
  #stream: AnswerStream | undefined

  constructor(options: ReplyOptions) {
    this.#options = options
    this.#missing = options.expected
    this.#stream = options.stream
    if (!this.#stream) options.pulse.add(this.#patience)
  }

  /** Whether the client still reads, or may come back to do so. */
  get isOpen(): boolean {
    if (this.#stream) return this.#stream.isOpen || this.#stream.isAwaited === true
    return this.#isConnected
  }

  /** The head of the request that is answered. */
  get head(): IncomingHttpHeaders {
    return this.#options.response.req.headers
  }

  get #isConnected(): boolean {
    return !this.#options.response.destroyed && !this.#options.response.writableEnded
  }

  /**
   * A message before the last response; returns whether it could be sent. To a reader that is too slow for them it is
   * skipped: the response, which is what was asked for, still comes.
   */
  send(body: Text): boolean {
    if (!this.isOpen) return false
    const stream = this.#upgrade()
    return stream.backlog <= QUEUE_LIMIT && stream.send(body)
  }

  /** The response to one of the requests. `status` is that of an answer that is one JSON body; a stream has 200. */
  respond(body: Text, status = 200): void {
    this.#missing--
    this.#status = status
    if (this.#stream && this.#missing === 0) this.#stream.finish(body)
    else if (this.#stream) this.#stream.send(body)
    else this.#bodies = [...this.#bodies, body]
    if (this.#missing === 0) this.#finish()
  }

  /** One of the requests gets no response: the client cancelled it. */
  abandon(): void {
    this.#missing--
    if (this.#missing === 0) this.#finish()
  }

  /** The server goes on later: so may a client that can come back, instead of holding the connection. */
  part(retryMs: number | undefined): void {
    if (this.#options.open && this.isOpen) this.#upgrade().part?.(retryMs)
  }

  beat(now: number): void {
    if (!this.#isConnected) this.#calm()
    else if (now - this.#since >= PATIENCE) this.#upgrade()
  }

  #calm(): void {
    this.#patience.reply = undefined
    this.#options.pulse.delete(this.#patience)
  }

  #upgrade(): AnswerStream {
    if (this.#stream) return this.#stream
    const { response, pulse, open } = this.#options
    this.#calm()
    const stream = open?.() ?? new EventStream(response, pulse)
    this.#stream = stream
    for (const body of this.#bodies) stream.send(body)
    return stream
  }

  #finish(): void {
    const { response, pulse, isBatch } = this.#options
    this.#calm()
    const [first] = this.#bodies
    if (this.#stream) this.#stream.end()
    else if (!this.#isConnected) return
    // Nothing came and nothing will: there is nothing to come back for.
    else if (first === undefined) new EventStream(response, pulse).end()
    else if (this.#status === 200 && prefersStream(response.req)) this.#upgrade().end()
    else this.#json(isBatch ? batch(this.#bodies) : first)
  }

  #json(body: Text): void {
    const { response } = this.#options
    const length = byteLength(body)
    response.writeHead(this.#status, { 'content-type': 'application/json', 'content-length': length })
    if (typeof body === 'string') endText(response, body, length)
    else endFramed(response, body)
  }
}

/** A reply among all that beats; empty when it is over, since what is left of a set may outlive what was in it. */
class Patience implements Beating {
  reply: Reply | undefined

  constructor(reply: Reply) {
    this.reply = reply
  }

  beat(now: number): void {
    this.reply?.beat(now)
  }
}

/** In one write of one string: ended with its text, a response would hand the socket a list of two. */
function endText(response: ServerResponse, text: string, length: number): void {
  response.cork()
  response.write(text, encodingOf(text, length))
  response.uncork()
  response.end()
}

/** In one write. */
function endFramed(response: ServerResponse, { head, bytes, tail }: Framed): void {
  response.cork()
  response.write(head)
  response.write(bytes)
  response.end(tail)
}

function batch(bodies: readonly Text[]): string {
  return `[${bodies.map(whole).join(',')}]`
}
