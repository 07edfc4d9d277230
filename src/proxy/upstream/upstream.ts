import type { Server } from '../../config/profile.ts'
import type { Log } from '../../shared/log.ts'
import type { ServerState } from '../../shared/status.ts'
import type { Exchange } from '../exchange.ts'
import type { Params, RpcNotification, RpcResponse } from '../rpc.ts'
import type { Listing } from './listing.ts'

export interface UpstreamOptions {
  readonly server: Server
  /** The absolute state folder, set as `MCPCTL_OWNER` on every process started. */
  readonly owner: string
  /** What stdio servers may inherit from; the allow-list is applied to it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clientInfo: { readonly name: string; readonly version: string }
  readonly log: Log
  readonly events: UpstreamEvents
}

/** What an upstream tells its owner; called synchronously, never awaited. */
export interface UpstreamEvents {
  /** State, pid, lastError, restarts changed. */
  changed(upstream: Upstream): void
  /** New lists are in place in `upstream.listing` (first ones, after `list_changed`, after a reconnect). */
  listed(upstream: Upstream): void
  /** A notification that belongs to no exchange: log messages, resource updates, unknown ones. Never list changes. */
  notified(upstream: Upstream, notification: RpcNotification): void
}

/** One MCP server behind the proxy: keeps one connection alive, its lists fresh, and carries exchanges to it. */
export declare class Upstream implements AsyncDisposable {
  readonly server: Server
  readonly name: string
  readonly state: ServerState
  readonly pid: number | null
  readonly restarts: number
  readonly lastError: string | null
  /** The newest lists; kept (stale) while the server is away; undefined until first known. */
  readonly listing: Listing | undefined
  constructor(options: UpstreamOptions)
  /** Starts connecting; returns at once. */
  start(): void
  /** Resolves when it is ready, has failed once, or has spent its connect timeout: never rejects. */
  settled(): Promise<void>
  /**
   * Carries one exchange. Resolves with the upstream's own response (its id is meaningless to the caller), error
   * responses included. Rejects with RpcFailure when the server cannot be asked or does not answer in time. A lost
   * upstream session is re-initialised once and the call repeated, since it was not executed.
   */
  call(exchange: Exchange): Promise<RpcResponse>
  /** The log level the downstream sessions want together; replayed after a reconnect. */
  setLogLevel(level: string): Promise<void>
  /** The URIs somebody downstream is subscribed to; differences go upstream; replayed after a reconnect. */
  subscribe(uri: string, extra?: Params): Promise<RpcResponse>
  unsubscribe(uri: string): Promise<RpcResponse>
  /** Ends calls with `draining`, closes the session, stops the process in stages (EOF, TERM, KILL to its group). */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
