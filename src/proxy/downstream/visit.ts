import type { IncomingMessage, ServerResponse } from 'node:http'

/** One HTTP request of a client, past the guard. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The server whose address it is; undefined for the group's own. */
  readonly server: string | undefined
  /** The authorization context of who sent it, as a digest; empty where no token is needed. */
  readonly principal: string
}
