import type { Id } from '../mcp/rpc.ts'
import type { PendingCall } from './pending.ts'

/** For so long a server may still be at work on a call that nobody waits for any more. */
const HAUNTING_MS = 60_000
const MAX_GHOSTS = 256

interface Ghost {
  readonly session: string | undefined
  readonly until: number
}

/**
 * Calls that were given up, but that the server has not answered: what it asks now may be because of them. Whom that
 * was for has left, or does not want it any more, and nobody else is to be asked in their place.
 */
export class Ghosts {
  readonly #ghosts = new Map<Id, Ghost>()

  add({ id, exchange }: PendingCall): void {
    this.#ghosts.set(id, { session: exchange.caller.session, until: performance.now() + HAUNTING_MS })
    const [oldest] = this.#ghosts.keys()
    if (this.#ghosts.size > MAX_GHOSTS && oldest !== undefined) this.#ghosts.delete(oldest)
  }

  /** The server has answered it after all. */
  laid(id: unknown): void {
    if (this.#ghosts.size > 0) this.#ghosts.delete(Number(id))
  }

  /**
   * Whether a question that seems to belong to these calls may belong to one of another client that was given up.
   * Clients without sessions cannot be told apart.
   */
  haunt([first]: readonly PendingCall[]): boolean {
    const now = performance.now()
    for (const [id, { until }] of this.#ghosts) if (until < now) this.#ghosts.delete(id)
    const session = first?.exchange.caller.session
    return [...this.#ghosts.values()].some((ghost) => ghost.session !== session)
  }
}
