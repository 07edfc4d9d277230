import { type Deferred, defer, within } from '../../shared/async.ts'
import type { Id } from '../mcp/rpc.ts'
import type { PendingCall } from './pending.ts'

/** For so long a server may still be at work on a call that nobody waits for any more. */
export const HAUNTING_MS = 60_000
const MAX_GHOSTS = 256

interface Ghost {
  readonly session: string | undefined
  readonly until: number
  state: 'given up' | 'told' | 'at rest'
}

/**
 * Calls that were given up, but that the server has not answered: what it asks now may be because of them. Whom that
 * was for has left, or does not want it any more, and nobody else is to be asked in their place.
 *
 * One is at rest once the server is known to have read that it is cancelled: who has stops it and asks nothing more for
 * it. Of a server that was seen to go on all the same, each stays until it is answered, or for its time.
 */
export class Ghosts {
  readonly #ghosts = new Map<Id, Ghost>()
  readonly #now: () => number
  #isSeeingOff = false
  /** Of the round under way. */
  #round: Deferred<void> = defer()
  #goesOn = false

  /** `now`: a monotonic clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add({ id, exchange }: PendingCall): void {
    this.#ghosts.set(id, { session: exchange.caller.session, until: this.#now() + HAUNTING_MS, state: 'given up' })
    const [oldest] = this.#ghosts.keys()
    if (this.#ghosts.size > MAX_GHOSTS && oldest !== undefined) this.#ghosts.delete(oldest)
  }

  /** The server has answered it after all. */
  answered(id: unknown): void {
    if (this.#ghosts.size === 0) return
    const ghost = this.#ghosts.get(Number(id))
    if (ghost?.state === 'at rest') this.#goesOn = true
    this.#ghosts.delete(Number(id))
  }

  /** The server asked something for one of its calls, with none in flight. */
  stirred(): void {
    for (const { state, until } of this.#ghosts.values())
      if (state === 'at rest' && until >= this.#now()) this.#goesOn = true
  }

  /**
   * The server was told that this one is cancelled. `ask` has it answer something, on the same way: what it was told
   * before it has read by then. It is asked once at a time, whatever is cancelled meanwhile.
   */
  async told(id: Id, ask: () => Promise<unknown>): Promise<void> {
    const ghost = this.#ghosts.get(id)
    if (!ghost) return
    ghost.state = 'told'
    if (this.#isSeeingOff) return
    this.#isSeeingOff = true
    this.#round = defer()
    try {
      for (let told = this.#told(); told.length > 0; told = this.#told()) {
        await ask()
        for (const one of told) one.state = 'at rest'
      }
    } catch {
      // No answer: they stay for their time, or until what is cancelled next is answered for.
    } finally {
      this.#isSeeingOff = false
      this.#round.resolve()
    }
  }

  /** Resolves when the server has answered for all it was told, but after so many milliseconds at the latest. */
  async seenOff(ms: number): Promise<void> {
    if (this.#isSeeingOff) await within(ms, this.#round.promise, undefined)
  }

  #told(): readonly Ghost[] {
    return [...this.#ghosts.values()].filter(({ state }) => state === 'told')
  }

  /**
   * Whether a question that seems to belong to these calls may belong to one of another client that was given up.
   * Clients without sessions cannot be told apart.
   */
  haunt([first]: readonly PendingCall[]): boolean {
    const now = this.#now()
    for (const [id, { until }] of this.#ghosts) if (until < now) this.#ghosts.delete(id)
    const session = first?.exchange.caller.session
    return [...this.#ghosts.values()].some(
      (ghost) => this.#isRestless(ghost) && (session === undefined || ghost.session !== session),
    )
  }

  #isRestless({ state }: Ghost): boolean {
    return this.#goesOn || state !== 'at rest'
  }
}
