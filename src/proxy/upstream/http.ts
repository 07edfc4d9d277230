import type { HttpTransport } from '../../config/profile.ts'
import { pause, within } from '../../shared/async.ts'
import type { Log } from '../../shared/log.ts'
import { textOf } from '../mcp/arguments.ts'
import type { RpcMessage } from '../mcp/rpc.ts'
import { busy, header, mediaType } from './answer.ts'
import { EventBody, WholeBody } from './body.ts'
import { MODERN_VERSION } from './envelope.ts'
import { LinkFailure } from './failure.ts'
import { baseHeaders, type Headers } from './headers.ts'
import type { Link, LinkEvents } from './link.ts'
import type { BodyReader, Cut, Head, HttpRequest, Pool } from './pool.ts'
import { Post, parse } from './post.ts'
import type { Quiet } from './quiet.ts'
import { SideStream, type Stream } from './side-stream.ts'

const DELETE_MS = 500
/** How long the first call waits for the side stream's headers. */
const LISTEN_MS = 1000
/** Resumptions of one answer in a row that bring no event. */
const MAX_RESUMPTIONS = 5
const UNANSWERED = 'the stream ended without an answer'
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 5 * 60_000

/** What only a client asks for: where it comes, more of it may come at once. */
const clientsOwn = new Set<unknown>(['tools/call', 'prompts/get', 'resources/read', 'completion/complete'])

export interface HttpOptions {
  readonly transport: HttpTransport
  readonly pool: Pool
  /** Of the server, whichever link it was asked on. */
  readonly quiet: Quiet
  readonly userAgent: string
  readonly log: Log
  readonly events: LinkEvents
}

interface Sending {
  readonly message: RpcMessage
  readonly signal: AbortSignal
  readonly mirrored: Headers | undefined
  readonly forwarded?: Headers | undefined
}

/**
 * Streamable HTTP: every message is a POST whose answer is JSON or a stream of events. In the legacy era there are
 * sessions, one stream beside the requests, and streams that go on elsewhere; in the modern one there is none of that.
 */
export class HttpLink implements Link {
  readonly transport = 'http'
  readonly pid = null
  readonly #options: HttpOptions
  readonly #path: string
  readonly #base: Headers
  readonly #closing = new AbortController()
  readonly #side: SideStream
  /** Of every message of the legacy era: the base, and what the handshake added to it. */
  #headers: Headers
  #session: string | undefined
  #version: string | undefined

  constructor(options: HttpOptions) {
    const { transport, userAgent, log, events } = options
    const { pathname, search } = new URL(transport.url)
    this.#options = options
    this.#path = pathname + search
    this.#base = baseHeaders(transport, userAgent)
    this.#headers = this.#base
    const received = (data: string): void => {
      const value = parse(data)
      if (value === undefined) events.spoiled(undefined, 'an event is not JSON')
      else events.received(value, undefined)
    }
    this.#side = new SideStream({ open: (stream) => this.#get(stream), log, events: { ...events, received } })
  }

  send(
    message: RpcMessage,
    signal: AbortSignal = this.#closing.signal,
    mirrored?: Headers,
    forwarded?: Headers,
  ): Promise<void> {
    const { refusal } = this.#options.quiet
    if (refusal) return Promise.reject(refusal)
    if (clientsOwn.has(message.method)) this.#options.pool.warm()
    return this.#post({ message, signal, mirrored, forwarded })
  }

  agreed(protocolVersion: string): void {
    this.#version = protocolVersion
    this.#headers = this.#fixed()
  }

  async listen(): Promise<void> {
    this.#options.pool.widen()
    if (this.#version !== MODERN_VERSION) await within(LISTEN_MS, this.#side.start(), undefined)
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#side.stop()
    this.#closing.abort(new LinkFailure('ended', 'the connection was closed'))
    await this.#forget()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #post(sending: Sending): Promise<void> {
    const { message, mirrored } = sending
    const isFirst = message.method === 'initialize'
    const post = new Post({
      message,
      isModern: mirrored !== undefined,
      inSession: this.#session !== undefined,
      events: this.#options.events,
    })
    const open = (head: Head, cut: Cut): BodyReader => {
      if (isFirst) this.#join(header(head, 'mcp-session-id'))
      return post.open(head, cut)
    }
    return this.#options.pool.request(this.#requestFor(sending), open).then(
      () => this.#ended(post, sending),
      (error: unknown) => this.#broke(post, sending, error),
    )
  }

  /** The response is over; throws LinkFailure when the answer was not in it and does not go on elsewhere. */
  #ended(post: Post, { signal, mirrored }: Sending): Promise<void> | undefined {
    post.close()
    if (!post.events) this.#finish(post)
    else if (!post.isAnswered && mirrored) throw new LinkFailure('ended', UNANSWERED)
    else if (!post.isAnswered) return this.#resume(post, post.events, signal)
    return undefined
  }

  #finish(post: Post): void {
    try {
      post.finish()
    } catch (error) {
      this.#options.quiet.heed(error)
      throw error
    }
  }

  #broke(post: Post, sending: Sending, error: unknown): Promise<void> | undefined {
    const canResume = !sending.mirrored && post.events?.lastId !== undefined && !sending.signal.aborted
    if (post.isAnswered || canResume) return this.#ended(post, sending)
    post.close()
    throw error
  }

  #requestFor({ message, signal, mirrored, forwarded }: Sending): HttpRequest {
    return {
      method: 'POST',
      path: this.#path,
      // In the modern era each message says the revision itself, and there are no sessions.
      headers: mirrored ? this.#base : this.#headers,
      // What the protocol says stands.
      more: forwarded ? { ...forwarded, ...mirrored } : mirrored,
      body: textOf(message),
      signal,
      isStream: message.method === 'subscriptions/listen',
    }
  }

  #join(session: string | undefined): void {
    this.#session = session
    this.#headers = this.#fixed()
  }

  #fixed(): Headers {
    const session = this.#session === undefined ? {} : { 'mcp-session-id': this.#session }
    const version = this.#version === undefined ? {} : { 'mcp-protocol-version': this.#version }
    return { ...this.#base, ...session, ...version }
  }

  /** A stream that ended before its answer goes on elsewhere if its events had ids (MCP: Resumability). */
  async #resume(post: Post, first: EventBody, signal: AbortSignal): Promise<void> {
    let last = first
    for (let fruitless = 0; last.lastId !== undefined && fruitless < MAX_RESUMPTIONS; ) {
      const wished = last.retry ?? 1000 * (fruitless + 1)
      if (post.id !== undefined) this.#options.events.parted(post.id, last.retry)
      await pause(Math.min(Math.max(wished, MIN_RETRY_MS), MAX_RETRY_MS), signal)
      signal.throwIfAborted()
      const take = (data: string): void => post.deliver(data)
      const next = await this.#get({ lastEventId: last.lastId, retry: last.retry, signal, take }).catch(executed)
      if (post.isAnswered) return
      fruitless = next.events > 0 ? 0 : fruitless + 1
      last = next
    }
    throw new LinkFailure('ended', UNANSWERED)
  }

  /** Opens an event stream by GET and resolves at its end; rejects with LinkFailure when the server offers none. */
  async #get({ lastEventId, retry, signal, take, opened }: Stream): Promise<EventBody> {
    const events = new EventBody(take, { lastId: lastEventId, retry })
    const resumed: Headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const more = { accept: 'text/event-stream', ...resumed }
    let refusal: LinkFailure | undefined
    this.#options.quiet.check()
    const open = (head: Head): BodyReader => {
      refusal = refusalOf(head)
      // Read to its end, not cut off: an aborted request costs its connection.
      if (refusal) return new WholeBody()
      opened?.()
      return events
    }
    try {
      const request = { method: 'GET', path: this.#path, headers: this.#headers, more, signal, isStream: true } as const
      await this.#options.pool.request(request, open)
    } catch (error) {
      if (signal.aborted || events.events === 0) throw error
      // A stream that broke is a stream that ended: what it brought counts, and so does its last id.
    }
    this.#options.quiet.heed(refusal)
    if (refusal) throw refusal
    return events
  }

  async #forget(): Promise<void> {
    if (this.#session === undefined) return
    try {
      const request = { method: 'DELETE', path: this.#path, headers: this.#headers } as const
      await this.#options.pool.request({ ...request, signal: AbortSignal.timeout(DELETE_MS) }, () => new WholeBody())
    } catch {
      // A server need not know DELETE, and one that is gone has forgotten the session anyway.
    }
  }
}

/** A session lost only now is no licence to repeat what was sent in it: the server may have acted on it. */
function executed(error: unknown): never {
  if (error instanceof LinkFailure && error.kind === 'session')
    throw new LinkFailure('ended', UNANSWERED, { cause: error })
  throw error
}

/** Why this is no event stream; undefined when it is one. */
function refusalOf(head: Head): LinkFailure | undefined {
  const { status } = head
  if (status === 200 && mediaType(head) === 'text/event-stream') return undefined
  if (status === 401) return new LinkFailure('unauthorized', 'not authorized: HTTP 401')
  if (status === 404) return new LinkFailure('session', 'the server forgot the session')
  if (status === 429 || status === 503) return busy(head)
  if (status >= 500) return new LinkFailure('unreachable', `no stream: HTTP ${status}`)
  return new LinkFailure('unsuitable', `no stream: HTTP ${status}`)
}
