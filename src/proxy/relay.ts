import { within } from '../shared/async.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { Call } from './call.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { LearnedUris } from './catalog/learned.ts'
import { markLinks, visitLinks } from './catalog/links.ts'
import type { View } from './catalog/view.ts'
import type { Reply } from './downstream/reply.ts'
import type { Session } from './downstream/session.ts'
import type { Body } from './downstream/stream.ts'
import type { Exchange, Sink } from './exchange.ts'
import type { Level } from './levels.ts'
import { RESOURCE_NOT_FOUND, type Route, route } from './router.ts'
import {
  errorResponse,
  failureResponse,
  INVALID_PARAMS,
  isError,
  isRecord,
  METHOD_NOT_FOUND,
  type Params,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from './rpc.ts'
import type { Seat } from './seat.ts'
import type { Subscriptions, Wish } from './subscriptions.ts'
import type { Kind } from './upstream/listing.ts'

export interface RelayOptions {
  readonly catalog: Catalog
  readonly learned: LearnedUris
  readonly subscriptions: Subscriptions
  readonly seat: (server: string) => Seat | undefined
  /** Resolves when the first lists of that address are known, or it has been waited for long enough. */
  readonly known: (server: string | undefined) => Promise<void> | undefined
  /** Brings the wish of all sessions together to the servers. */
  readonly setLevel: (session: Session, level: Level) => Promise<void>
  /** A notification that belongs to somebody else than the call it came with; returns whether it was taken. */
  readonly divert: (server: string, notification: RpcNotification) => boolean
  readonly log: Log
}

/** How long `logging/setLevel` waits for the servers to have heard of it. */
const LEVEL_WAIT = 1000

/** Carries requests to where the router sends them, and what comes back to the client that asked. */
export class Relay {
  readonly #options: RelayOptions

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Answers one request on `reply`, sooner or later; never rejects. */
  async handle(session: Session, request: RpcRequest, reply: Reply): Promise<void> {
    try {
      const body = await this.#answer(session, request, reply)
      if (body === undefined) reply.abandon()
      else reply.respond(body)
    } catch (thrown) {
      if (!(thrown instanceof RpcFailure))
        this.#options.log.error('request failed', { method: request.method, error: messageOf(thrown) })
      reply.respond(JSON.stringify(failureResponse(request.id, thrown)))
    }
  }

  async #answer(session: Session, request: RpcRequest, reply: Reply): Promise<Body | undefined> {
    const { server } = session.facts
    const first = this.#route(server, request)
    const known = first.to === 'refuse' || first.to === 'anyOf' ? this.#options.known(server) : undefined
    // A name nobody knows may only be not known yet: then the first lists are waited for, once.
    if (known !== undefined) await known
    const decided = known === undefined ? first : this.#route(server, request)
    switch (decided.to) {
      case 'pong':
        return result(request, {})
      case 'refuse':
        return JSON.stringify(errorResponse(request.id, decided.code, decided.message, decided.data))
      case 'list':
        return this.#list(server, decided.kind, request)
      case 'level':
        await within(LEVEL_WAIT, this.#options.setLevel(session, decided.level), undefined)
        return result(request, {})
      case 'subscribe':
      case 'unsubscribe':
        return restore(request, await this.#subscription(session, decided, String(request.params?.uri)))
      case 'anyOf':
        return this.#anyOf(session, request, decided)
      case 'upstream':
        return this.#carry({ session, request, reply, server: decided.server, params: decided.params })
      default:
        return decided satisfies never
    }
  }

  #route(server: string | undefined, request: RpcRequest): Route {
    return route(this.#view(server), request, (uri) => this.#options.learned.find(uri))
  }

  #view(server: string | undefined): View {
    const view = this.#options.catalog.view(server)
    if (view) return view
    throw new RpcFailure(INVALID_PARAMS, `Server ${server} is not in this group any more`)
  }

  /** No upstream is asked: the bytes are ready, only the id goes in. */
  async #list(server: string | undefined, kind: Kind, request: RpcRequest): Promise<Body> {
    const known = this.#options.known(server)
    if (known !== undefined) await known
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},"result":`
    return Buffer.concat([Buffer.from(head), this.#view(server).lists[kind], Buffer.from('}')])
  }

  async #carry({ session, request, reply, server, params }: Carried): Promise<Body | undefined> {
    const divert = (notification: RpcNotification) => this.#options.divert(server, notification)
    const call = new Call({ session, request, reply, params, divert })
    try {
      const response = await this.#seat(server).call(call)
      return restore(request, this.#learn(session, server, response))
    } catch (thrown) {
      if (call.signal.aborted) return undefined
      throw thrown
    } finally {
      call.end()
    }
  }

  #seat(server: string): Seat {
    const seat = this.#options.seat(server)
    if (seat) return seat
    throw new RpcFailure(INVALID_PARAMS, `Server ${server} is not in this group any more`)
  }

  /** URIs in results lead back to the server they came from, under the name this view has for them. */
  #learn(session: Session, server: string, response: RpcResponse): RpcResponse {
    if (isError(response) || !isRecord(response.result)) return response
    const view = this.#options.catalog.view(session.facts.server)
    const listed = view?.targets.resources
    visitLinks(response.result, (uri) => {
      if (!listed?.has(uri)) this.#options.learned.remember(uri, server)
    })
    const marked = view?.marked.get(server)
    return marked ? { ...response, result: markLinks(response.result, marked) } : response
  }

  async #subscription(
    session: Session,
    { to, target, params }: Extract<Route, { to: 'subscribe' | 'unsubscribe' }>,
    shown: string,
  ): Promise<RpcResponse> {
    const wish: Wish = { session, ...target, shown }
    const { subscriptions } = this.#options
    return to === 'subscribe' ? subscriptions.subscribe(wish, params) : subscriptions.unsubscribe(wish)
  }

  /**
   * Asks all servers that might know the URI at the same time, so that a slow one does not hold up the one that does.
   * The first result wins and ends the others.
   */
  async #anyOf(
    session: Session,
    request: RpcRequest,
    { servers, params }: Extract<Route, { to: 'anyOf' }>,
  ): Promise<Body | undefined> {
    const over = new AbortController()
    session.calls.set(request.id, over)
    const exchange: Exchange = {
      method: request.method,
      params,
      sink: silent,
      signal: over.signal,
      caller: session.caller,
    }
    try {
      const tries = servers.map(async (server) => {
        const response = await this.#seat(server).call(exchange)
        if (isError(response)) throw response
        return this.#learn(session, server, response)
      })
      return restore(request, await Promise.any(tries))
    } catch (thrown) {
      return over.signal.aborted ? undefined : restore(request, firstReason(request, thrown))
    } finally {
      over.abort('Another server has the resource')
      if (session.calls.get(request.id) === over) session.calls.delete(request.id)
    }
  }
}

interface Carried {
  readonly session: Session
  readonly request: RpcRequest
  readonly reply: Reply
  readonly server: string
  readonly params: Params | undefined
}

/** A question to several servers has no side conversation. */
const silent: Sink = {
  notify: () => {},
  request: (request) => Promise.reject(new RpcFailure(METHOD_NOT_FOUND, `${request.method} is not possible here`)),
}

/** Of several refusals the first that says more than "not found"; the caller knows the URI already. */
function firstReason(request: RpcRequest, thrown: unknown): RpcResponse {
  const reasons: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  const told = reasons.find((reason) => isRecord(reason) && isRecord(reason.error) && !isNotFound(reason.error.code))
  if (isRecord(told) && isRecord(told.error)) return { jsonrpc: '2.0', id: request.id, error: errorOf(told.error) }
  const uri = request.params?.uri
  return errorResponse(request.id, RESOURCE_NOT_FOUND, `Resource not found: ${String(uri)}`, { uri })
}

function isNotFound(code: unknown): boolean {
  return code === RESOURCE_NOT_FOUND || code === INVALID_PARAMS
}

function errorOf({ code, message, ...rest }: Params): { code: number; message: string } {
  return { code: Number(code), message: String(message), ...rest }
}

function result({ id }: RpcRequest, value: Params): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: value })
}

/** The upstream's own response under the client's id, its type included; nothing else is touched. */
function restore({ id }: RpcRequest, response: RpcResponse): string {
  return JSON.stringify({ ...response, id })
}
