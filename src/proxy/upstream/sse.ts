import type { HttpTransport } from '../../config/profile.ts'
import { defer } from '../../shared/async.ts'
import { Aborter, type Signal } from '../../shared/signal.ts'
import { lineOf } from '../mcp/arguments.ts'
import type { RpcMessage } from '../mcp/rpc.ts'
import { busy, mediaType } from './answer.ts'
import { EventBody, WholeBody } from './body.ts'
import { LinkFailure } from './failure.ts'
import { baseHeaders, type Headers } from './headers.ts'
import type { Link, LinkEvents } from './link.ts'
import type { BodyReader, Head, Pool } from './pool.ts'
import { parse } from './post.ts'
import type { Quiet } from './quiet.ts'

export interface SseOptions {
  readonly transport: HttpTransport
  readonly pool: Pool
  readonly quiet: Quiet
  readonly userAgent: string
  readonly events: LinkEvents
}

/** Resolves once the server has said where to post to; rejects with LinkFailure, or with the reason of the signal. */
export async function openSse(options: SseOptions, signal: AbortSignal): Promise<Link> {
  const link = new SseLink(options)
  await link.open(signal)
  return link
}

/**
 * HTTP+SSE of 2024-11-05: one stream carries everything from the server, POSTs everything to it. The end of the stream
 * is the end of the session: another one would know nothing of this one.
 */
class SseLink implements Link {
  readonly transport = 'sse'
  readonly pid = null
  readonly #options: SseOptions
  readonly #url: URL
  readonly #base: Headers
  /** Of every message: the base, and the revision once it is agreed. */
  #headers: Headers
  readonly #opened = defer<void>()
  readonly #closing = new AbortController()
  /** Where to post to, with query. */
  #endpoint: string | undefined

  constructor(options: SseOptions) {
    this.#options = options
    this.#url = new URL(options.transport.url)
    this.#base = baseHeaders(options.transport, options.userAgent)
    this.#headers = this.#base
  }

  async open(signal: AbortSignal): Promise<void> {
    const giveUp = (): void => this.#end(signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      signal.throwIfAborted()
      this.#stream().then(
        () => this.#lose(new LinkFailure('ended', ENDED)),
        (error: unknown) => this.#lose(error),
      )
      await this.#opened.promise
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  async send(message: RpcMessage, signal?: Signal, _mirrored?: Headers, more?: Headers): Promise<void> {
    const closing = this.#closing.signal
    closing.throwIfAborted()
    this.#options.quiet.check()
    const body = new WholeBody()
    let refused: LinkFailure | undefined
    const open = (head: Head): BodyReader => {
      refused = head.status < 300 ? undefined : failureOf(head)
      return body
    }
    const request = { method: 'POST', body: lineOf(message), headers: this.#headers, more } as const
    using either = new Aborter().follow(closing, ...(signal ? [signal] : []))
    await this.#options.pool.request({ ...request, path: this.#endpoint ?? '', signal: either }, open)
    this.#options.quiet.heed(refused)
    if (refused) throw refused
  }

  agreed(protocolVersion: string): void {
    this.#headers = { ...this.#base, 'mcp-protocol-version': protocolVersion }
  }

  async listen(): Promise<void> {
    this.#options.pool.widen()
  }

  async close(): Promise<void> {
    this.#end(new LinkFailure('ended', 'the connection was closed'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Resolves at the end of the stream. */
  async #stream(): Promise<void> {
    const events = new EventBody((data) => this.#take(data), { named: (event, data) => this.#named(event, data) })
    let refused: LinkFailure | undefined
    const open = (head: Head): BodyReader => {
      refused = head.status === 200 && mediaType(head) === 'text/event-stream' ? undefined : absence(head)
      return refused ? new WholeBody() : events
    }
    const headers = { ...this.#base, accept: 'text/event-stream' }
    const path = this.#url.pathname + this.#url.search
    const { signal } = this.#closing
    this.#options.quiet.check()
    await this.#options.pool.request({ method: 'GET', path, headers, signal, isStream: true }, open)
    this.#options.quiet.heed(refused)
    if (refused) throw refused
  }

  #take(data: string): void {
    const value = parse(data)
    if (value === undefined) this.#options.events.spoiled(undefined, 'an event is not JSON')
    else this.#options.events.received(value, undefined)
  }

  /** The credentials go where the first event says: only the server's own origin may say so. */
  #named(event: string, data: string): void {
    if (event !== 'endpoint' || this.#endpoint !== undefined) return
    const endpoint = URL.canParse(data, this.#url.href) ? new URL(data, this.#url) : undefined
    if (endpoint?.origin !== this.#url.origin)
      throw new LinkFailure('broken', 'the server names an endpoint that is not its own')
    this.#endpoint = endpoint.pathname + endpoint.search
    this.#opened.resolve()
  }

  /** The stream is over: nobody knew before it was open. */
  #lose(error: unknown): void {
    if (this.#closing.signal.aborted) return
    const failure = error instanceof LinkFailure ? error : new LinkFailure('unreachable', ENDED, { cause: error })
    this.#end(failure)
    if (this.#endpoint !== undefined) this.#options.events.lost(failure)
  }

  #end(reason: unknown): void {
    this.#closing.abort(reason)
    this.#opened.reject(reason)
  }
}

const ENDED = 'the event stream ended'

/** Why there is no event stream: another transport may be what this URL speaks. */
function absence(head: Head): LinkFailure {
  const { status } = head
  if (status === 200) return new LinkFailure('unsuitable', 'no HTTP+SSE at this URL: no event stream')
  return status === 404 ? new LinkFailure('unsuitable', 'no HTTP+SSE at this URL: HTTP 404') : failureOf(head)
}

function failureOf(head: Head): LinkFailure {
  const { status } = head
  if (status === 429 || status === 503) return busy(head)
  if (status === 401 || status === 403) {
    const hint = 'set "headers" with valid credentials'
    return new LinkFailure(status === 401 ? 'unauthorized' : 'forbidden', `not authorized: HTTP ${status}`, { hint })
  }
  if (status === 404) return new LinkFailure('session', 'the server forgot the session')
  if (status >= 300 && status < 400) {
    const hint = 'redirects are not followed: set "url" to where it moved'
    return new LinkFailure('hopeless', `redirected with HTTP ${status}`, { hint })
  }
  return new LinkFailure('unreachable', `HTTP ${status}`)
}
