import { within } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Remembered, SessionWish } from '../audience/remembered.ts'
import type { Greeter } from '../catalog/greeter.ts'
import type { List } from '../catalog/list.ts'
import type { View } from '../catalog/view.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Reply } from '../downstream/reply.ts'
import type { Session } from '../downstream/session.ts'
import type { Level } from '../mcp/levels.ts'
import {
  errorResponse,
  failureResponse,
  HEADER_MISMATCH,
  INVALID_PARAMS,
  isError,
  METHOD_NOT_FOUND,
  MISSING_CAPABILITY,
  type Params,
  RpcFailure,
  type RpcRequest,
  type RpcResponse,
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import type { Text } from '../mcp/text.ts'
import { withId } from '../mcp/verbatim.ts'
import type { Kind } from '../upstream/listing.ts'
import { Carrier, type CarrierOptions, LEVEL_WAIT } from './carrier.ts'
import { type Route, route } from './router.ts'
import { TaskAccess } from './task-access.ts'
import { listTasks } from './task-list.ts'

export interface RelayOptions extends CarrierOptions {
  readonly greeter: Greeter
  /** Of legacy sessions. */
  readonly wishes: Pick<Remembered, 'subscribe' | 'unsubscribe' | 'setLevel'>
  /** A legacy client was given this list. */
  readonly showed: (session: Session, kind: Kind, list: List) => void
  readonly log: Log
}

/** What a client gets. */
interface Answer {
  readonly text: Text
  readonly status: number
}

interface Asked {
  readonly asker: Asker
  readonly request: RpcRequest
  readonly reply: Reply
}

/** Answers requests: itself where it can, else with what comes back from where the router sends them. */
export class Relay {
  readonly #options: RelayOptions
  readonly #carrier: Carrier
  readonly #tasks: TaskAccess

  constructor(options: RelayOptions) {
    this.#options = options
    this.#carrier = new Carrier(options)
    this.#tasks = new TaskAccess({ tasks: options.tasks, seat: (server) => this.#carrier.seat(server) })
  }

  /** Answers one request on `reply`, sooner or later; never rejects. */
  handle(asker: Asker, request: RpcRequest, reply: Reply): Promise<void> {
    asker.session?.lend(reply)
    return this.#answer({ asker, request, reply }).then((answer) => {
      if (answer) reply.respond(answer.text, answer.status)
      else reply.abandon()
      asker.session?.reclaim(reply)
    })
  }

  /** Undefined when the client no longer waits for an answer. Never rejects: failures are answers. */
  async #answer(asked: Asked): Promise<Answer | undefined> {
    const { asker, request } = asked
    try {
      const found = this.#decide(asked)
      const decided = found instanceof Promise ? await found : found
      if (decided.to === 'list') return { text: await this.#list(asker, decided.kind, request), status: 200 }
      const response = await this.#response(decided, asked)
      return response && { text: withId(response, request.id), status: statusOf(asker, response) }
    } catch (thrown) {
      return this.#failed(asked, thrown)
    }
  }

  /** A name nobody knows may only be not known yet: then what the servers themselves say is waited for, once. */
  #decide({ asker, request }: Asked): Route | Promise<Route> {
    const first = this.#route(asker, request)
    const known = first.to === 'refuse' || first.to === 'anyOf' ? this.#options.sight.confirmed(asker) : undefined
    return known === undefined ? first : known.then(() => this.#route(asker, request))
  }

  #failed({ asker, request: { id, method } }: Asked, thrown: unknown): Answer {
    if (!(thrown instanceof RpcFailure)) this.#options.log.error('request failed', { method, error: messageOf(thrown) })
    const response = failureResponse(id, thrown)
    return { text: JSON.stringify(response), status: statusOf(asker, response) }
  }

  #route(asker: Asker, { method, params }: RpcRequest): Route {
    return route(this.#view(asker), { method, params, era: asker.caller.era }, (uri) => this.#options.learned.find(uri))
  }

  #view(asker: Asker): View {
    const view = this.#options.sight.view(asker)
    if (view) return view
    throw new RpcFailure(INVALID_PARAMS, `Server ${asker.server} is not in this group any more`)
  }

  #response(
    decided: Exclude<Route, { to: 'list' }>,
    { asker, request, reply }: Asked,
  ): Promise<RpcResponse | undefined> | RpcResponse {
    switch (decided.to) {
      case 'pong':
        return result(request, {})
      case 'refuse':
        return errorResponse(request.id, decided.code, decided.message, decided.data)
      case 'discover':
        return this.#options.greeter.discover(asker.server).then((value) => result(request, value))
      case 'level':
        return this.#level(asker, request, decided.level)
      case 'subscribe':
      case 'unsubscribe':
        return this.#subscription(asker, decided, String(request.params?.uri))
      case 'anyOf':
        return this.#carrier.anyOf({ asker, request, reply }, decided)
      case 'task':
        return this.#carrier.carry({ asker, request, reply, ...this.#taskRoute(asker, decided) })
      case 'tasks':
        return listTasks(
          decided.servers.map((server) => this.#tasks.source(asker, server)),
          { asker, request },
        )
      case 'upstream':
        return this.#carrier.carry({ asker, request, reply, server: decided.server, params: decided.params })
      default:
        return decided satisfies never
    }
  }

  /** No upstream is asked: the bytes are ready, only the id goes in, and how fresh they are. */
  async #list(asker: Asker, kind: Kind, request: RpcRequest): Promise<Text> {
    const { caller, session } = asker
    const known = this.#options.sight.known(asker)
    if (known !== undefined) await known
    const view = this.#view(asker)
    if (session) this.#options.showed(session, kind, view.lists.legacy[kind])
    const freshness = caller.era === 'modern' ? this.#options.greeter.listTail(view, kind) : ''
    return {
      head: `{"jsonrpc":"2.0","id":${JSON.stringify(request.id)},"result":`,
      bytes: view.lists[caller.era][kind].bytes,
      tail: `${freshness}}`,
    }
  }

  async #level({ session }: Asker, request: RpcRequest, level: Level): Promise<RpcResponse> {
    if (session) await within(LEVEL_WAIT, this.#options.wishes.setLevel(session, level), undefined)
    return result(request, {})
  }

  async #subscription({ session }: Asker, { to, target, params }: Subscription, shown: string): Promise<RpcResponse> {
    if (!session) throw new RpcFailure(METHOD_NOT_FOUND, 'Only a session can subscribe')
    const seat = this.#carrier.seat(target.server)
    // Opened first: a new one is told all that was wished before, and this is not.
    seat.open(session.caller)
    const wish: SessionWish = { listener: session, own: target.own, server: seat.wayOf(session.caller), shown }
    const { wishes } = this.#options
    return to === 'subscribe' ? wishes.subscribe(wish, params) : wishes.unsubscribe(wish)
  }

  #taskRoute(asker: Asker, { id, params }: Extract<Route, { to: 'task' }>) {
    return { server: this.#tasks.holder(asker, id), params }
  }
}

type Subscription = Extract<Route, { to: 'subscribe' | 'unsubscribe' }>

function result({ id }: RpcRequest, value: Params): RpcResponse {
  return { jsonrpc: '2.0', id, result: value }
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
