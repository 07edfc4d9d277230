import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Denial } from './denial.ts'

/** Somebody the group's auth knows. */
export interface Guest {
  /** The authorization context, as a digest: what it begins is nobody else's. */
  readonly principal: string
  /** For logs: the name of a token or the subject of a JWT, never a token. */
  readonly name: string
}

/** A request that asks for admission. */
export interface Arrival {
  readonly request: IncomingMessage
  /** The server whose address it is for; undefined for the group's own. */
  readonly server: string | undefined
}

/** Asks who comes, of a group that is not open to everybody. */
export interface Gate {
  /** A promise only where it takes more than what is in memory. Never rejects. */
  admit(arrival: Arrival): Guest | Denial | Promise<Guest | Denial>
  /** What tells clients where to get a token (RFC 9728); undefined where no server issues them. */
  metadata?(arrival: Arrival): object
}

/** From the head only: what is in a URL is in histories and logs. */
export function tokenOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
}

export function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
