import type { Params, RpcNotification, RpcRequest, RpcResponse } from './rpc.ts'

/**
 * One downstream request on its way through one upstream: what is asked, an ordered sink for everything the upstream
 * says in between, and a signal that ends it. Its type keeps what a bare `onmessage` loses: which client a message
 * belongs to.
 */
export interface Exchange {
  readonly method: string
  /** As the upstream shall see them, but for the progress token, which the connection replaces and restores. */
  readonly params: Params | undefined
  readonly sink: Sink
  /** Aborted when the client cancelled or is gone; the reason's text goes into `notifications/cancelled`. */
  readonly signal: AbortSignal
}

/** Where an upstream's messages of one exchange go, in the order they came, before the response. */
export interface Sink {
  notify(notification: RpcNotification): void
  /**
   * A request of the server to the client whose exchange it is (sampling, elicitation, roots). The answer carries any
   * id; the caller restores its own. Rejects with RpcFailure when that client cannot or may not be asked.
   */
  request(request: RpcRequest, asking: Asking): Promise<RpcResponse>
}

/** What goes on between a question and its answer. */
export interface Asking {
  /** Aborted when the server no longer needs the answer. */
  readonly signal: AbortSignal
  /** The client's progress on it, under the token the server chose. */
  readonly progressed: (notification: RpcNotification) => void
}
