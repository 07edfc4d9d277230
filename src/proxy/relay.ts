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
import type { Elicitations } from './elicitations.ts'
import type { Caller, Exchange, Sink } from './exchange.ts'
import type { Level } from './levels.ts'
import type { Heard } from './news.ts'
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
import { isPrivate } from './sharing.ts'
import type { Sight } from './sight.ts'
import type { Subscriptions, Wish } from './subscriptions.ts'
import { ownOf, ownTasks, type TaskSource } from './task-list.ts'
import type { Tasks } from './tasks.ts'
import type { Kind } from './upstream/listing.ts'

export interface RelayOptions {
  readonly catalog: Catalog
  readonly learned: LearnedUris
  readonly subscriptions: Subscriptions
  readonly tasks: Tasks
  readonly elicitations: Elicitations
  readonly sight: Sight
  readonly seat: (server: string) => Seat | undefined
  /** Brings the wish of all sessions together to the servers. */
  readonly setLevel: (session: Session, level: Level) => Promise<void>
  /** A notification that belongs to somebody else than the call it came with; returns whether it was taken. */
  readonly divert: (line: string, notification: RpcNotification, call: Heard) => boolean
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
    using _lent = session.lend(reply)
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
    const first = this.#route(session, request)
    const known = first.to === 'refuse' || first.to === 'anyOf' ? this.#options.sight.known(session) : undefined
    // A name nobody knows may only be not known yet: then the first lists are waited for, once.
    if (known !== undefined) await known
    const decided = known === undefined ? first : this.#route(session, request)
    switch (decided.to) {
      case 'pong':
        return result(request, {})
      case 'refuse':
        return JSON.stringify(errorResponse(request.id, decided.code, decided.message, decided.data))
      case 'list':
        return this.#list(session, decided.kind, request)
      case 'level':
        await within(LEVEL_WAIT, this.#options.setLevel(session, decided.level), undefined)
        return result(request, {})
      case 'subscribe':
      case 'unsubscribe':
        return restore(request, await this.#subscription(session, decided, String(request.params?.uri)))
      case 'task':
        return this.#task({ session, request, reply, params: decided.params }, decided.id)
      case 'tasks':
        return this.#tasks(session, request, decided)
      case 'anyOf':
        return this.#anyOf(session, request, decided)
      case 'upstream':
        return this.#carry({ session, request, reply, server: decided.server, params: decided.params })
      default:
        return decided satisfies never
    }
  }

  #route(session: Session, request: RpcRequest): Route {
    return route(this.#view(session), request, (uri) => this.#options.learned.find(uri))
  }

  #view(session: Session): View {
    const view = this.#options.sight.view(session)
    if (view) return view
    throw new RpcFailure(INVALID_PARAMS, `Server ${session.facts.server} is not in this group any more`)
  }

  /** No upstream is asked: the bytes are ready, only the id goes in. */
  async #list(session: Session, kind: Kind, request: RpcRequest): Promise<Body> {
    const known = this.#options.sight.known(session)
    if (known !== undefined) await known
    const list = this.#view(session).lists[kind]
    this.#options.catalog.showed(session, kind, list)
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},"result":`
    return Buffer.concat([Buffer.from(head), list, Buffer.from('}')])
  }

  async #carry(carried: Carried): Promise<Body | undefined> {
    const { session, request, server, params } = carried
    const { divert, tasks, elicitations } = this.#options
    const { sid } = session.facts
    const line = this.#seat(server).lineOf(session.caller)
    const call = new Call({
      ...carried,
      divert: (notification) => divert(line, notification, { session, params }),
      asked: (question) => elicitations.asked(line, sid, question),
    })
    try {
      const response = await this.#seat(server).call(call)
      tasks.learn({ server, line }, session.caller, response)
      elicitations.answered(line, sid, response)
      return restore(request, this.#learn(session, server, response))
    } catch (thrown) {
      if (call.signal.aborted) return undefined
      throw thrown
    } finally {
      call.end()
    }
  }

  /** On one server's address it is asked itself, unless many share the session with it: then only about one's own. */
  async #task(carried: Omit<Carried, 'server'>, id: string): Promise<Body | undefined> {
    const { session, request } = carried
    const { caller, facts } = session
    const server = facts.server ?? this.#options.tasks.find(id, caller)?.server
    const line = server && this.#options.seat(server)?.lineOf(caller)
    if (server !== undefined && line !== undefined && this.#isOwnTask(line, caller)(id))
      return this.#carry({ ...carried, server })
    return JSON.stringify(errorResponse(request.id, INVALID_PARAMS, `Unknown task: ${id}`))
  }

  #isOwnTask(line: string, caller: Caller): (id: string) => boolean {
    return (id) => isPrivate(line) || this.#options.tasks.isOwn(id, line, caller)
  }

  /** One server's own answer without the tasks of others, or the own tasks of all as one page. */
  async #tasks(
    session: Session,
    request: RpcRequest,
    { servers, params }: Extract<Route, { to: 'tasks' }>,
  ): Promise<Body | undefined> {
    const sources = servers.map((server) => this.#taskSource(session, server, request.method))
    const [only] = sources
    if (session.facts.server === undefined || !only) return result(request, { tasks: await ownTasks(sources) })
    const answer = await only.ask(params)
    if (isError(answer) || !Array.isArray(answer.result.tasks)) return restore(request, answer)
    return restore(request, { ...answer, result: { ...answer.result, tasks: ownOf(answer.result, only.isOwn) } })
  }

  #taskSource({ caller }: Session, server: string, method: string): TaskSource {
    const seat = this.#seat(server)
    const line = seat.lineOf(caller)
    const { signal } = new AbortController()
    const own = this.#isOwnTask(line, caller)
    return {
      ask: (params) => seat.call({ method, params, sink: silent, signal, caller }),
      isOwn: (id) => {
        if (isPrivate(line)) this.#options.tasks.remember({ server, line }, caller, id)
        return own(id)
      },
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
    const view = this.#options.sight.view(session)
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
    const seat = this.#seat(target.server)
    // Opened first: a new one is told all that was wished before, and this is not.
    seat.open(session.caller)
    const server = seat.lineOf(session.caller)
    const wish: Wish = { session, own: target.own, server, shown }
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
