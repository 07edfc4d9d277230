import type { Signal } from '../../shared/signal.ts'
import type { Era } from './era.ts'
import type { Level } from './levels.ts'
import type { Params, RpcNotification, RpcRequest, RpcResponse } from './rpc.ts'

/**
 * One downstream request on its way through one upstream: what is asked, an ordered sink for everything the upstream
 * says in between, and a signal that ends it. Its type keeps what a bare `onmessage` loses: which client a message
 * belongs to.
 */
export interface Exchange {
  readonly method: string
  /** In the caller's era, as the upstream shall see them, but for the progress token, which the connection replaces and restores. */
  readonly params: Params | undefined
  readonly sink: Sink
  /** Aborted when the client cancelled or is gone; the reason's text goes into `notifications/cancelled`. */
  readonly signal: Signal
  readonly caller: Caller
  /** `Mcp-Param-*` fields of the client that no listed tool declares: passed on to a server on HTTP (names in lower case). */
  readonly headers?: Readonly<Record<string, string>>
  /** Other fields of the client's head that a server on HTTP is told, as its profile allows (names in lower case). */
  readonly forwarded?: Readonly<Record<string, string>>
}

/** Who stands behind an exchange: what of the downstream client matters to a server. */
export interface Caller {
  /** The exchange's params, result and notifications are of this era, whatever the server's is. */
  readonly era: Era
  /** The authorization context, as a digest; empty where the group asks for no token. */
  readonly principal: string
  /** What the client declared: in `initialize`, or with this very request. */
  readonly capabilities: Params
  readonly clientInfo: Params
  /** The least severe log message it wants. Undefined: a legacy client never said, a modern one wants none. */
  readonly level: Level | undefined
  /** The legacy session's `sid`; the modern era has none. */
  readonly session: string | undefined
}

/** Where an upstream's messages of one exchange go, in the order they came, before the response. */
export interface Sink {
  notify(notification: RpcNotification): void
  /**
   * A request of the server to the client whose exchange it is (sampling, elicitation, roots). The answer carries any
   * id; the caller restores its own. Rejects with RpcFailure when that client cannot or may not be asked.
   */
  request(request: RpcRequest, asking: Asking): Promise<RpcResponse>
  /**
   * The server ended the stream of its answer and goes on with it `retryMs` later, on another one: the client's own
   * stream may part in the same way. What comes afterwards arrives here as before.
   */
  parted?(retryMs: number | undefined): void
}

/** What goes on between a question and its answer. */
export interface Asking {
  /** Aborted when the server no longer needs the answer. */
  readonly signal: AbortSignal
  /** The client's progress on it, under the token the server chose. */
  readonly progressed: (notification: RpcNotification) => void
}
