/** The states people see, the same words in the proxy, the supervisor, `status` and the logs. */

export type ServerState = 'connecting' | 'ready' | 'backoff' | 'authRequired' | 'failed' | 'disabled'

/**
 * A proxy is `starting` until every required server is up and every other one is up or has failed once or spent its
 * connect timeout; then `ready` if all its enabled servers are up, else `degraded` (it serves what is there).
 */
export type ProxyState = 'starting' | 'ready' | 'degraded' | 'draining'

export type GroupState = ProxyState | 'backoff' | 'quarantined' | 'stopped'

/** A server as `mcpctl status` shows it. */
export interface ServerStatus {
  readonly name: string
  readonly state: ServerState
  readonly transport: 'stdio' | 'http' | 'sse'
  /** Of a stdio server's process; null otherwise. */
  readonly pid: number | null
  /** The negotiated revision; null until known. */
  readonly protocol: string | null
  /** Visible after filters. */
  readonly tools: number
  readonly resources: number
  readonly prompts: number
  readonly restarts: number
  readonly lastError: string | null
  /** How much of it is not as `mcpctl.lock` says; absent when nothing is compared. */
  readonly drift?: number
}

/** What a group lists, as `mcpctl status` shows it. */
export interface CatalogStatus {
  /** Equal as long as the lists are; another one whenever they change. */
  readonly epoch: string
}
