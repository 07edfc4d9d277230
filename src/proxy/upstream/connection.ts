import type { Era } from '../mcp/era.ts'
import type { Caller, Exchange, Sink } from '../mcp/exchange.ts'
import { errorResponse, INTERNAL_ERROR, type Params, type RpcNotification, type RpcResponse } from '../mcp/rpc.ts'
import type { LinkFailure } from './failure.ts'
import type { Frame, Item } from './listing.ts'

/** What a server said about itself when the connection was made. */
export interface Greeting {
  readonly protocolVersion: string
  readonly serverInfo: Params
  readonly capabilities: Params
  readonly instructions: string | undefined
  /** What else the answer said, and how long it holds. */
  readonly frame: Frame
}

/** What a server is told of its client. */
export interface Declaration {
  readonly capabilities: Params
  readonly clientInfo: Params
}

/** One conversation with a server over one link, whatever its era. It lives until it is lost or closed, never twice. */
export interface Connection extends AsyncDisposable {
  readonly era: Era
  readonly greeting: Greeting
  readonly transport: 'stdio' | 'http' | 'sse'
  readonly pid: number | null
  /** Why it takes no calls any more; undefined while it does. */
  readonly end: Error | undefined
  /** Rejects with LinkFailure for the way's faults and RpcFailure for what no repetition mends. */
  call(exchange: Exchange): Promise<RpcResponse>
  /** A request of the proxy's own; the signal is its only deadline. */
  ask(method: string, params: Params | undefined, signal: AbortSignal): Promise<RpcResponse>
  /** A notification of the client this connection was opened for. Never rejects. */
  tell(notification: RpcNotification): Promise<void>
  /** The server's tools as they are known now: what a call repeats in its head is declared there. */
  listed(tools: readonly Item[]): void
  /** Has updates of one resource announced in `notified`; the answer is that to `resources/subscribe`, or like it. */
  subscribe(params: Params, signal: AbortSignal): Promise<RpcResponse>
  unsubscribe(uri: string, signal: AbortSignal): Promise<RpcResponse>
  /** Undefined where there is nobody to tell: no logging, or an era in which each request has its level. */
  setLogLevel(level: string, signal: AbortSignal): Promise<RpcResponse | undefined>
  /** To be called once the first lists are in: opens the streams for what belongs to no request, watches while idle. */
  settle(): void
  /** Resolves on a sign of life, rejects when there is none within `ms`. */
  ping(ms: number): Promise<void>
  /** Resolves when the calls in flight are over. */
  drained(): Promise<void>
  /** Ends it because of a failure that somebody else noticed. */
  lose(failure: LinkFailure): void
  /** Ends calls in flight with `reason` and lets go of the server. Never rejects. */
  close(reason: Error): Promise<void>
}

/** What a connection tells its owner; called synchronously. */
export interface ConnectionEvents {
  /** A notification that belongs to no exchange. */
  notified(notification: RpcNotification): void
  /** Lists may have changed: said so by the server, or a gap in what it says. */
  stale(): void
  /** The way there or back failed a client's call, or its time ran out; the connection goes on. */
  failed(error: Error): void
  /** A client's call was answered: told of the first one, and for as long as it is said to be of interest. */
  answered(): boolean
  /** At most once, never after `close`. */
  lost(failure: LinkFailure): void
}

/** Who asks when the proxy asks for itself: nobody with capabilities, in the era of the connection. */
export function itself(era: Era): Caller {
  return { era, principal: '', capabilities: {}, clientInfo: {}, level: undefined, session: undefined }
}

/** The sink of the proxy's own requests: they belong to no client, nothing is passed on, nobody can be asked. */
export const nobody: Sink = {
  notify: () => {},
  request: ({ id }) => Promise.resolve(errorResponse(id, INTERNAL_ERROR, 'Nobody to ask')),
}
