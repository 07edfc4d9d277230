import type { Aborter } from '../../shared/signal.ts'
import type { Asking, Caller } from '../mcp/exchange.ts'
import type { Id, RpcNotification, RpcRequest, RpcResponse } from '../mcp/rpc.ts'
import type { Outlet } from './questions.ts'
import type { Session } from './session.ts'

/** Whose requests the relay carries: a legacy session, or the one request of a modern client. */
export interface Asker {
  /** The server whose address was asked; undefined for the group's own. */
  readonly server: string | undefined
  readonly caller: Caller
  /** Where updates and a log level can be asked for; the modern era has none. */
  readonly session: Session | undefined
  /** A call is on its way and can be cancelled. */
  began(id: Id, call: Aborter): void
  /** It no longer can. */
  ended(id: Id, call: Aborter): void
  /** Puts a server's question to the client. Rejects with RpcFailure when it cannot or may not be asked. */
  ask(request: RpcRequest, outlet: Outlet, asking: Asking): Promise<RpcResponse>
  /** Whether the client wants a log message; `unset` decides where a legacy one never said. */
  wants(notification: RpcNotification, unset: boolean): boolean
  /**
   * The fields of the request's head that go on to the server with a call of a tool with this input schema. Throws
   * RpcFailure when the head contradicts the arguments. The legacy era has none.
   */
  mirrored?(inputSchema: unknown, args: unknown): Readonly<Record<string, string>> | undefined
}

/** Who is told what belongs to no request: a legacy session on its stream, or a modern client's listen. */
export interface Listener {
  readonly server: string | undefined
  /** Sends it on if this listener asked for such. */
  notify(notification: RpcNotification): void
}
