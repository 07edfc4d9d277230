import type { Reply } from './downstream/reply.ts'
import type { Session } from './downstream/session.ts'
import type { Asking, Caller, Exchange, Sink } from './exchange.ts'
import type { Params, RpcNotification, RpcRequest, RpcResponse } from './rpc.ts'

export interface CallOptions {
  readonly session: Session
  readonly reply: Reply
  readonly request: RpcRequest
  /** As the upstream shall see them. */
  readonly params: Params | undefined
  /** Takes what does not belong on this call's own stream; returns whether it did. */
  readonly divert: (notification: RpcNotification) => boolean
  /** Hears what the server asks the client. */
  readonly asked: (request: RpcRequest) => void
}

/** One request of a session on its way: the exchange an upstream carries, its sink the answer of the POST. */
export class Call implements Exchange, Sink {
  readonly method: string
  readonly params: Params | undefined
  readonly #options: CallOptions
  readonly #abort = new AbortController()

  constructor(options: CallOptions) {
    this.#options = options
    this.method = options.request.method
    this.params = options.params
    options.session.calls.set(options.request.id, this.#abort)
  }

  get caller(): Caller {
    return this.#options.session.caller
  }

  get sink(): Sink {
    return this
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  notify(notification: RpcNotification): void {
    const { reply, session, divert } = this.#options
    if (divert(notification)) return
    if (notification.method === 'notifications/message' && !session.wants(notification, true)) return
    // The progress of a task goes on when the call that began it is answered.
    if (reply.isOpen) reply.send(JSON.stringify(notification))
    else session.notify(notification)
  }

  request(request: RpcRequest, asking: Asking): Promise<RpcResponse> {
    const { reply, session, asked } = this.#options
    asked(request)
    return session.ask(request, reply, asking)
  }

  /** The client can no longer cancel it. */
  end(): void {
    const { session, request } = this.#options
    if (session.calls.get(request.id) === this.#abort) session.calls.delete(request.id)
  }
}
