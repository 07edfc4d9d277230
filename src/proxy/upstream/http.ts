import { setImmediate as tick } from 'node:timers/promises'
import type { HttpTransport } from '../../config/profile.ts'
import { pause, within } from '../../shared/async.ts'
import type { Log } from '../../shared/log.ts'
import { type Id, isRequest, type RpcMessage } from '../rpc.ts'
import { answers, header, interpret, mediaType } from './answer.ts'
import { EventBody, TextBody } from './body.ts'
import { LinkFailure } from './failure.ts'
import type { Link, LinkEvents } from './link.ts'
import type { BodyReader, Head, HttpRequest, Pool } from './pool.ts'
import { SideStream } from './side-stream.ts'

const DELETE_MS = 500
/** How long the first call waits for the side stream's headers. */
const LISTEN_MS = 1000
/** How long a stream whose answer is in may hold up the next message while connecting. */
const CALM_MS = 50
/** Resumptions of one answer in a row that bring no event. */
const MAX_RESUMPTIONS = 5
const MAX_RETRY_MS = 5 * 60_000

export interface HttpOptions {
  readonly transport: HttpTransport
  readonly pool: Pool
  /** For the streams that stay open, so that calls keep the warm connections. */
  readonly streams: Pool
  readonly userAgent: string
  readonly log: Log
  readonly events: LinkEvents
}

/** Streamable HTTP: every message is a POST whose answer is JSON or a stream of events; plus one stream beside them. */
export class HttpLink implements Link {
  readonly transport = 'http'
  readonly pid = null
  readonly #options: HttpOptions
  readonly #path: string
  readonly #base: Readonly<Record<string, string>>
  readonly #closing = new AbortController()
  readonly #side: SideStream
  /** Until the side stream is asked for, a request waits for the streams whose answers are in: one connection is enough. */
  #connecting = true
  readonly #ending = new Set<Promise<void>>()
  /** For the rest of the tick in which a body ended: undici would open a connection rather than use that one. */
  #isResting = false
  #session: string | undefined
  #version: string | undefined

  constructor(options: HttpOptions) {
    this.#options = options
    const url = new URL(options.transport.url)
    this.#path = url.pathname + url.search
    this.#base = baseHeaders(url, options)
    this.#side = new SideStream({
      open: (stream) => this.#get(stream),
      log: options.log,
      events: {
        received: (data) => this.#deliver(data, undefined),
        gap: () => options.events.gap(),
        lost: (failure) => options.events.lost(failure),
      },
    })
  }

  async send(message: RpcMessage, signal?: AbortSignal): Promise<void> {
    if (this.#connecting) await within(CALM_MS, Promise.allSettled(this.#ending), undefined)
    if (this.#isResting) await tick()
    await this.#post(message, signal ?? this.#closing.signal)
  }

  agreed(protocolVersion: string): void {
    this.#version = protocolVersion
  }

  async listen(): Promise<void> {
    this.#connecting = false
    await within(LISTEN_MS, this.#side.start(), undefined)
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

  async #post(message: RpcMessage, signal: AbortSignal): Promise<void> {
    const inSession = this.#session !== undefined
    const request = isRequest(message) ? message : undefined
    const text = new TextBody()
    const answer = { head: noHead, events: undefined as EventBody | undefined, isThere: false }
    const take = (data: string): void => {
      const value = this.#deliver(data, request?.id)
      if (request && answers(value, request.id)) answer.isThere = true
      if (answer.isThere) this.#ending.add(sent)
    }
    const open = (head: Head): BodyReader => {
      answer.head = head
      if (message.method === 'initialize') this.#session = header(head, 'mcp-session-id')
      if (!request || head.status !== 200 || mediaType(head) !== 'text/event-stream') return text
      answer.events = new EventBody(take)
      return answer.events
    }
    const sent = this.#request({ method: 'POST', body: JSON.stringify(message), signal }, open)
    try {
      await sent
    } catch (error) {
      if (answer.isThere) return
      if (!answer.events?.lastId || signal.aborted) throw error
    } finally {
      this.#ending.delete(sent)
      this.#rest()
    }
    if (answer.events) {
      if (!answer.isThere && request) await this.#resume(request.id, answer.events, signal)
      return
    }
    const value = interpret({ message, head: answer.head, text: text.text, inSession })
    if (value !== undefined) this.#options.events.received(value, request?.id)
    if (request && !answers(value, request.id)) throw new LinkFailure('broken', 'the answer is for another request')
  }

  #rest(): void {
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
    })
  }

  /** A stream that ended before its answer goes on elsewhere if its events had ids (MCP: Resumability). */
  async #resume(id: Id, first: EventBody, signal: AbortSignal): Promise<void> {
    let last = first
    for (let fruitless = 0; last.lastId !== undefined && fruitless < MAX_RESUMPTIONS; ) {
      await pause(Math.min(last.retry ?? 1000 * (fruitless + 1), MAX_RETRY_MS), signal)
      signal.throwIfAborted()
      let isThere = false
      const take = (data: string): void => {
        if (answers(this.#deliver(data, id), id)) isThere = true
      }
      const next = await this.#get({ lastEventId: last.lastId, signal, take, retry: last.retry })
      if (isThere) return
      fruitless = next.events > 0 ? 0 : fruitless + 1
      last = next
    }
    throw new LinkFailure('ended', 'the stream ended without an answer')
  }

  /** Opens an event stream by GET and resolves at its end. */
  async #get({ lastEventId, signal, take, opened, retry }: Stream): Promise<EventBody> {
    const events = new EventBody(take, lastEventId)
    events.retry = retry
    const headers: Record<string, string> = { accept: 'text/event-stream' }
    if (lastEventId !== undefined) headers['last-event-id'] = lastEventId
    let refusal: LinkFailure | undefined
    const open = (head: Head): BodyReader => {
      if (head.status !== 200 || mediaType(head) !== 'text/event-stream') {
        refusal = streamRefusal(head.status)
        // Read to its end, not cut off: an aborted request costs its connection.
        return new TextBody()
      }
      opened?.()
      return events
    }
    try {
      await this.#request({ method: 'GET', headers, signal }, open, this.#options.streams)
    } catch (error) {
      if (signal.aborted || events.events === 0) throw error
      // A stream that broke is a stream that ended: what it brought counts, and so does its last id.
    }
    if (refusal) throw refusal
    return events
  }

  #request(
    request: Pick<HttpRequest, 'method' | 'body' | 'signal'> & { readonly headers?: Readonly<Record<string, string>> },
    open: (head: Head) => BodyReader,
    pool = this.#options.pool,
  ): Promise<void> {
    const headers: Record<string, string> = { ...this.#base, ...request.headers }
    if (this.#session !== undefined) headers['mcp-session-id'] = this.#session
    if (this.#version !== undefined) headers['mcp-protocol-version'] = this.#version
    return pool.request({ ...request, headers, path: this.#path }, open)
  }

  #deliver(data: string, origin: Id | undefined): unknown {
    const value = parse(data)
    if (value === undefined) this.#options.events.spoiled(origin, 'an event is not JSON')
    if (value !== undefined) this.#options.events.received(value, origin)
    return value
  }

  async #forget(): Promise<void> {
    if (this.#session === undefined) return
    try {
      await this.#request({ method: 'DELETE', signal: AbortSignal.timeout(DELETE_MS) }, () => new TextBody())
    } catch {
      // A server need not know DELETE, and one that is gone has forgotten the session anyway.
    }
  }
}

export interface Stream {
  readonly lastEventId: string | undefined
  readonly signal: AbortSignal
  readonly take: (data: string) => void
  readonly opened?: () => void
  readonly retry: number | undefined
}

const noHead: Head = { status: 0, headers: {} }

function baseHeaders(url: URL, { transport, userAgent }: HttpOptions): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': userAgent }
  if (url.username) headers.authorization = basic(url)
  for (const [name, value] of Object.entries(transport.headers)) headers[name.toLowerCase()] = value
  headers['content-type'] = 'application/json'
  headers.accept = 'application/json, text/event-stream'
  return headers
}

function basic({ username, password }: URL): string {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

function streamRefusal(status: number): LinkFailure {
  if (status === 404) return new LinkFailure('session', 'the server forgot the session')
  if (status === 405) return new LinkFailure('unsuitable', 'no stream offered')
  if (status === 401 || status === 403) return new LinkFailure('unauthorized', `not authorized: HTTP ${status}`)
  return new LinkFailure('unreachable', `no stream: HTTP ${status}`)
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    // Undefined is no JSON value: the caller reports it.
    return undefined
  }
}
