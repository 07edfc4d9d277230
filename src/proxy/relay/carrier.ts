import { within } from '../../shared/async.ts'
import type { Sight } from '../audience/sight.ts'
import type { LearnedUris } from '../catalog/learned.ts'
import { linksOf, markLinks } from '../catalog/links.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Reply } from '../downstream/reply.ts'
import { argumentsOf } from '../mcp/arguments.ts'
import type { Caller, Exchange } from '../mcp/exchange.ts'
import type { Level } from '../mcp/levels.ts'
import {
  INVALID_PARAMS,
  isError,
  isRecord,
  type Params,
  RpcFailure,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import { isUnread } from '../mcp/written.ts'
import type { Seat } from '../servers/seat.ts'
import { askAll } from './any-of.ts'
import { Call, type CallOptions } from './call.ts'
import type { Elicitations } from './elicitations.ts'
import { forwarded } from './forwarding.ts'
import type { Route } from './router.ts'
import type { Tasks, Whereabouts } from './tasks.ts'

export interface CarrierOptions {
  readonly learned: LearnedUris
  readonly tasks: Tasks
  readonly elicitations: Elicitations
  readonly sight: Sight
  readonly seat: (server: string) => Seat | undefined
  /** Has a server send what one modern request wants to hear; undefined when it does already. */
  readonly wantLevel: (way: string, level: Level) => Promise<void> | undefined
  /** A notification that belongs to somebody else than the call it came with; returns whether it was taken. */
  readonly divert: CallOptions['divert']
}

/** One request, and where it goes. */
export interface Carried {
  readonly asker: Asker
  readonly request: RpcRequest
  readonly reply: Reply
  readonly server: string
  readonly params: Params | undefined
}

/** How long a request waits for the servers to have heard of a log level. */
export const LEVEL_WAIT = 1000

/** Brings requests to servers, and remembers of the answers what later requests are routed by. */
export class Carrier {
  readonly #options: CarrierOptions

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  /** The server's own answer; undefined when the client no longer waits for it. Rejects with RpcFailure. */
  async carry({ asker, request, reply, server, params }: Carried): Promise<RpcResponse | undefined> {
    const { session, caller } = asker
    const seat = this.seat(server)
    const way = seat.wayOf(caller)
    const { divert, elicitations } = this.#options
    const headers = this.#mirrored(asker, request)
    const told = forwarded(reply.head, seat.server)
    const call = new Call({ asker, request, reply, params, headers, forwarded: told, way, divert, elicitations })
    try {
      const leveled = this.#wantLevel(way, caller)
      if (leveled !== undefined) await within(LEVEL_WAIT, leveled, undefined)
      const response = await this.seat(server).call(call)
      if (session) elicitations.answered(way, session.facts.sid, response)
      return this.#learn(asker, { server, way }, response)
    } catch (thrown) {
      if (call.signal.aborted) return undefined
      throw thrown
    } finally {
      call.end()
    }
  }

  /** Whoever answers has the resource: what the client says next about it, to a question even, is for nobody else. */
  anyOf(
    { asker, request, reply }: Pick<Carried, 'asker' | 'request' | 'reply'>,
    { servers, params }: Extract<Route, { to: 'anyOf' }>,
  ): Promise<RpcResponse | undefined> {
    const call = async (server: string, exchange: Exchange) => {
      const seat = this.seat(server)
      const way = seat.wayOf(asker.caller)
      const more = forwarded(reply.head, seat.server)
      const response = await seat.call(more ? { ...exchange, forwarded: more } : exchange)
      if (!isError(response)) this.#options.learned.remember(String(params.uri), server)
      return this.#learn(asker, { server, way }, response)
    }
    return askAll({ asker, request, params, servers, call })
  }

  /** Throws RpcFailure when the server is gone. */
  seat(server: string): Seat {
    const seat = this.#options.seat(server)
    if (seat) return seat
    throw new RpcFailure(INVALID_PARAMS, `Server ${server} is not in this group any more`)
  }

  /** Of a tool's call the head must say what the arguments do; what else it says goes on. */
  #mirrored(asker: Asker, { method, params }: RpcRequest): Exchange['headers'] {
    if (!asker.mirrored) return undefined
    const view = method === 'tools/call' ? this.#options.sight.view(asker) : undefined
    return asker.mirrored(view?.schemas.get(String(params?.name)), argumentsOf(params))
  }

  #wantLevel(way: string, { era, level }: Caller): Promise<void> | undefined {
    return era === 'modern' && level !== undefined ? this.#options.wantLevel(way, level) : undefined
  }

  /** URIs in results lead back to the server they came from, under the name this view has for them; so do tasks. */
  #learn(asker: Asker, where: Whereabouts, response: RpcResponse): RpcResponse {
    if (isUnread(response) || isError(response) || !isRecord(response.result)) return response
    const { sight, learned, tasks } = this.#options
    const { server } = where
    tasks.learn(where, asker.caller, response)
    const links = linksOf(response.result)
    if (links.length === 0) return response
    const view = sight.view(asker)
    for (const uri of links) if (!view?.targets.resources.has(uri)) learned.remember(uri, server)
    const marked = view?.marked.get(server)
    return marked ? { ...response, result: markLinks(response.result, marked) } : response
  }
}
