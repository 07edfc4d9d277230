import { Aborter, type Signal } from '../../shared/signal.ts'
import type { Heard } from '../audience/news.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Reply } from '../downstream/reply.ts'
import type { Asking, Caller, Exchange, Sink } from '../mcp/exchange.ts'
import type { Params, RpcNotification, RpcRequest, RpcResponse } from '../mcp/rpc.ts'
import type { Elicitations } from './elicitations.ts'

export interface CallOptions {
  readonly asker: Asker
  readonly reply: Reply
  readonly request: RpcRequest
  /** As the upstream shall see them. */
  readonly params: Params | undefined
  /** Fields of the request's head that go along; see `Exchange.headers`. */
  readonly headers: Exchange['headers'] | undefined
  /** See `Exchange.forwarded`. */
  readonly forwarded: Exchange['forwarded'] | undefined
  /** The name of the way it takes to the server. */
  readonly way: string
  /** Takes what does not belong on this call's own stream; returns whether it did. */
  readonly divert: (way: string, notification: RpcNotification, call: Heard) => boolean
  /** Hears what the server asks the client. */
  readonly elicitations: Elicitations
}

/** One request of a client on its way: the exchange an upstream carries, its sink the answer of the POST. */
export class Call implements Exchange, Sink {
  readonly method: string
  readonly params: Params | undefined
  readonly headers?: NonNullable<Exchange['headers']>
  readonly forwarded?: NonNullable<Exchange['forwarded']>
  readonly #options: CallOptions
  readonly #abort = new Aborter()

  constructor(options: CallOptions) {
    this.#options = options
    this.method = options.request.method
    this.params = options.params
    if (options.headers) this.headers = options.headers
    if (options.forwarded) this.forwarded = options.forwarded
    options.asker.began(options.request.id, this.#abort)
  }

  get caller(): Caller {
    return this.#options.asker.caller
  }

  get sink(): Sink {
    return this
  }

  get signal(): Signal {
    return this.#abort
  }

  notify(notification: RpcNotification): void {
    const { reply, asker, way, divert, params } = this.#options
    if (divert(way, notification, { session: asker.session, params })) return
    if (notification.method === 'notifications/message' && !asker.wants(notification, true)) return
    // The progress of a task goes on when the call that began it is answered.
    if (reply.isOpen || !asker.session) reply.send(JSON.stringify(notification))
    else asker.session.notify(notification)
  }

  request(request: RpcRequest, asking: Asking): Promise<RpcResponse> {
    const { reply, asker, way, elicitations } = this.#options
    if (asker.session) elicitations.asked(way, asker.session.facts.sid, request)
    return asker.ask(request, reply, asking)
  }

  parted(retryMs: number | undefined): void {
    this.#options.reply.part(retryMs)
  }

  /** The client can no longer cancel it. */
  end(): void {
    const { asker, request } = this.#options
    asker.ended(request.id, this.#abort)
  }
}
