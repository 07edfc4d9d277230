import { within } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Heard } from '../audience/news.ts'
import type { Sight } from '../audience/sight.ts'
import type { Subscriptions, Wish } from '../audience/subscriptions.ts'
import type { Greeter } from '../catalog/greeter.ts'
import type { LearnedUris } from '../catalog/learned.ts'
import { markLinks, visitLinks } from '../catalog/links.ts'
import type { View } from '../catalog/view.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Reply } from '../downstream/reply.ts'
import type { Session } from '../downstream/session.ts'
import type { Caller, Exchange } from '../mcp/exchange.ts'
import type { Level } from '../mcp/levels.ts'
import {
  errorResponse,
  failureResponse,
  HEADER_MISMATCH,
  INVALID_PARAMS,
  isError,
  isRecord,
  METHOD_NOT_FOUND,
  MISSING_CAPABILITY,
  type Params,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import type { Seat } from '../servers/seat.ts'
import { isPrivate } from '../servers/sharing.ts'
import type { Kind } from '../upstream/listing.ts'
import { askAll } from './any-of.ts'
import { Call } from './call.ts'
import type { Elicitations } from './elicitations.ts'
import { type Route, route } from './router.ts'
import { listTasks, type TaskSource } from './task-list.ts'
import type { Tasks, Whereabouts } from './tasks.ts'

export interface RelayOptions {
  readonly greeter: Greeter
  readonly learned: LearnedUris
  readonly tasks: Tasks
  readonly subscriptions: Subscriptions
  readonly elicitations: Elicitations
  readonly sight: Sight
  readonly seat: (server: string) => Seat | undefined
  /** A legacy client was given this list. */
  readonly showed: (session: Session, kind: Kind, bytes: Buffer) => void
  /** Brings the wish of all sessions together to the servers. */
  readonly setLevel: (session: Session, level: Level) => Promise<void>
  /** Has a server send what one modern request wants to hear; undefined when it does already. */
  readonly wantLevel: (way: string, level: Level) => Promise<void> | undefined
  /** A notification that belongs to somebody else than the call it came with; returns whether it was taken. */
  readonly divert: (way: string, notification: RpcNotification, call: Heard) => boolean
  readonly log: Log
}

/** How long a request waits for the servers to have heard of a log level. */
const LEVEL_WAIT = 1000

/** What a client gets: a response whose id is still to be set, or the bytes of a whole one. */
type Answer = RpcResponse | Buffer

/** Carries requests to where the router sends them, and what comes back to the client that asked. */
export class Relay {
  readonly #options: RelayOptions

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Answers one request on `reply`, sooner or later; never rejects. */
  async handle(asker: Asker, request: RpcRequest, reply: Reply): Promise<void> {
    asker.session?.lend(reply)
    try {
      const answer = await this.#answered(asker, request, reply)
      if (answer === undefined) reply.abandon()
      else if (Buffer.isBuffer(answer)) reply.respond(answer)
      else reply.respond(restore(request, answer), statusOf(asker, answer))
    } finally {
      asker.session?.reclaim(reply)
    }
  }

  /** Undefined when the client no longer waits for an answer; failures are answers. */
  async #answered(asker: Asker, request: RpcRequest, reply: Reply): Promise<Answer | undefined> {
    try {
      return await this.#answer(asker, request, reply)
    } catch (thrown) {
      if (!(thrown instanceof RpcFailure))
        this.#options.log.error('request failed', { method: request.method, error: messageOf(thrown) })
      return failureResponse(request.id, thrown)
    }
  }

  async #answer(asker: Asker, request: RpcRequest, reply: Reply): Promise<Answer | undefined> {
    const { server } = asker
    const first = this.#route(asker, request)
    const known = first.to === 'refuse' || first.to === 'anyOf' ? this.#options.sight.confirmed(asker) : undefined
    // A name nobody knows may only be not known yet: then what the servers themselves say is waited for, once.
    if (known !== undefined) await known
    const decided = known === undefined ? first : this.#route(asker, request)
    switch (decided.to) {
      case 'pong':
        return result(request, {})
      case 'refuse':
        return errorResponse(request.id, decided.code, decided.message, decided.data)
      case 'discover':
        return result(request, await this.#options.greeter.discover(server))
      case 'list':
        return this.#list(asker, decided.kind, request)
      case 'level':
        if (asker.session) await within(LEVEL_WAIT, this.#options.setLevel(asker.session, decided.level), undefined)
        return result(request, {})
      case 'subscribe':
      case 'unsubscribe':
        return this.#subscription(asker, decided, String(request.params?.uri))
      case 'anyOf':
        return this.#anyOf(asker, request, decided)
      case 'task':
        return this.#carry({ asker, request, reply, server: this.#holder(asker, decided.id), params: decided.params })
      case 'tasks':
        return listTasks(
          decided.servers.map((one) => this.#taskSource(asker, one)),
          { asker, request },
        )
      case 'upstream':
        return this.#carry({ asker, request, reply, server: decided.server, params: decided.params })
      default:
        return decided satisfies never
    }
  }

  #route(asker: Asker, { method, params }: RpcRequest): Route {
    return route(this.#view(asker), { method, params, era: asker.caller.era }, (uri) => this.#options.learned.find(uri))
  }

  #view(asker: Asker): View {
    const view = this.#options.sight.view(asker)
    if (view) return view
    throw new RpcFailure(INVALID_PARAMS, `Server ${asker.server} is not in this group any more`)
  }

  /** No upstream is asked: the bytes are ready, only the id goes in, and how fresh they are. */
  async #list(asker: Asker, kind: Kind, request: RpcRequest): Promise<Buffer> {
    const { caller, session } = asker
    const known = this.#options.sight.known(asker)
    if (known !== undefined) await known
    const view = this.#view(asker)
    if (session) this.#options.showed(session, kind, view.lists.legacy[kind])
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},"result":`
    const tail = caller.era === 'modern' ? this.#options.greeter.listTail(view, kind) : ''
    return Buffer.concat([Buffer.from(head), view.lists[caller.era][kind], Buffer.from(`${tail}}`)])
  }

  async #carry({ asker, request, reply, server, params }: Carried): Promise<RpcResponse | undefined> {
    const { session, caller } = asker
    const way = this.#seat(server).wayOf(caller)
    const { divert, elicitations } = this.#options
    const headers = this.#mirrored(asker, request)
    const call = new Call({
      asker,
      request,
      reply,
      params,
      headers,
      divert: (notification) => divert(way, notification, { session, params }),
      asked: (question) => session && elicitations.asked(way, session.facts.sid, question),
    })
    try {
      const told = this.#wantLevel(way, caller)
      if (told !== undefined) await within(LEVEL_WAIT, told, undefined)
      const response = await this.#seat(server).call(call)
      if (session) elicitations.answered(way, session.facts.sid, response)
      return this.#learn(asker, { server, way }, response)
    } catch (thrown) {
      if (call.signal.aborted) return undefined
      throw thrown
    } finally {
      call.end()
    }
  }

  /** Of a tool's call the head must say what the arguments do; what else it says goes on. */
  #mirrored(asker: Asker, { method, params }: RpcRequest): Exchange['headers'] {
    if (!asker.mirrored) return undefined
    const schema = method === 'tools/call' ? this.#view(asker).schemas.get(String(params?.name)) : undefined
    return asker.mirrored(schema, params?.arguments)
  }

  #wantLevel(way: string, { era, level }: Caller): Promise<void> | undefined {
    return era === 'modern' && level !== undefined ? this.#options.wantLevel(way, level) : undefined
  }

  /** On one server's address it is asked itself, unless many share the way to it: then only about one's own. */
  #holder({ server: address, caller }: Asker, taskId: string): string {
    const server = address ?? this.#options.tasks.find(taskId, caller)?.server
    const way = server === undefined ? undefined : this.#options.seat(server)?.wayOf(caller)
    if (server !== undefined && way !== undefined && this.#isOwnTask(way, caller, taskId)) return server
    throw new RpcFailure(INVALID_PARAMS, `Unknown task: ${taskId}`)
  }

  /** A modern server tells its clients apart by their credentials, if at all. */
  #isOwnTask(way: string, caller: Caller, id: string): boolean {
    return caller.era === 'modern' || isPrivate(way) || this.#options.tasks.isOwn(id, way, caller)
  }

  #taskSource({ caller }: Asker, server: string): TaskSource {
    const seat = this.#seat(server)
    const way = seat.wayOf(caller)
    return {
      ask: (exchange) => seat.call(exchange),
      isOwn: (id) => {
        if (isPrivate(way)) this.#options.tasks.remember({ server, way }, caller, id)
        return this.#isOwnTask(way, caller, id)
      },
    }
  }

  #seat(server: string): Seat {
    const seat = this.#options.seat(server)
    if (seat) return seat
    throw new RpcFailure(INVALID_PARAMS, `Server ${server} is not in this group any more`)
  }

  /** URIs in results lead back to the server they came from, under the name this view has for them; so do tasks. */
  #learn(asker: Asker, where: Whereabouts, response: RpcResponse): RpcResponse {
    if (isError(response) || !isRecord(response.result)) return response
    const { sight, learned, tasks } = this.#options
    const { server } = where
    const view = sight.view(asker)
    const listed = view?.targets.resources
    visitLinks(response.result, (uri) => {
      if (!listed?.has(uri)) learned.remember(uri, server)
    })
    tasks.learn(where, asker.caller, response)
    const marked = view?.marked.get(server)
    return marked ? { ...response, result: markLinks(response.result, marked) } : response
  }

  async #subscription({ session }: Asker, { to, target, params }: Subscription, shown: string): Promise<RpcResponse> {
    if (!session) throw new RpcFailure(METHOD_NOT_FOUND, 'Only a session can subscribe')
    const seat = this.#seat(target.server)
    // Opened first: a new one is told all that was wished before, and this is not.
    seat.open(session.caller)
    const wish: Wish = { listener: session, own: target.own, server: seat.wayOf(session.caller), shown }
    const { subscriptions } = this.#options
    return to === 'subscribe' ? subscriptions.subscribe(wish, params) : subscriptions.unsubscribe(wish)
  }

  /** Whoever answers has the resource: what the client says next about it, to a question even, is for nobody else. */
  #anyOf(asker: Asker, request: RpcRequest, { servers, params }: AnyOf): Promise<RpcResponse | undefined> {
    const call = async (server: string, exchange: Exchange) => {
      const seat = this.#seat(server)
      const way = seat.wayOf(asker.caller)
      const response = await seat.call(exchange)
      if (!isError(response)) this.#options.learned.remember(String(params.uri), server)
      return this.#learn(asker, { server, way }, response)
    }
    return askAll({ asker, request, params, servers, call })
  }
}

type Subscription = Extract<Route, { to: 'subscribe' | 'unsubscribe' }>
type AnyOf = Extract<Route, { to: 'anyOf' }>

interface Carried {
  readonly asker: Asker
  readonly request: RpcRequest
  readonly reply: Reply
  readonly server: string
  readonly params: Params | undefined
}

function result({ id }: RpcRequest, value: Params): RpcResponse {
  return { jsonrpc: '2.0', id, result: value }
}

/** The upstream's own response under the client's id, its type included; nothing else is touched. */
function restore({ id }: RpcRequest, response: RpcResponse): string {
  return JSON.stringify({ ...response, id })
}

/** What the modern era shows in the status, too. (MCP: Streamable HTTP, 2026-07-28.) */
const statuses: Readonly<Record<number, number>> = {
  [METHOD_NOT_FOUND]: 404,
  [HEADER_MISMATCH]: 400,
  [MISSING_CAPABILITY]: 400,
  [UNSUPPORTED_VERSION]: 400,
}

function statusOf({ caller }: Asker, response: RpcResponse): number {
  return caller.era === 'modern' && isError(response) ? (statuses[response.error.code] ?? 200) : 200
}
