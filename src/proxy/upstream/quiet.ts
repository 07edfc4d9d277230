import { LinkFailure } from './failure.ts'

/**
 * The pause that a server asked for with `Retry-After`: until its end nothing at all is sent, over whichever connection
 * it was asked for and whatever it is.
 */
export class Quiet {
  #until = 0

  /** Why nothing may be sent now; undefined when it may. */
  get refusal(): LinkFailure | undefined {
    if (this.#until === 0) return undefined
    const left = this.#until - performance.now()
    if (left > 0) return new LinkFailure('busy', 'the server asked for a pause', { retryAfterMs: left })
    this.#until = 0
    return undefined
  }

  /** Throws LinkFailure while the pause lasts. */
  check(): void {
    const { refusal } = this
    if (refusal) throw refusal
  }

  /** Keeps it from now on if that is what the failure says. */
  heed(failure: unknown): void {
    if (failure instanceof LinkFailure && failure.retryAfterMs !== undefined)
      this.#until = Math.max(this.#until, performance.now() + failure.retryAfterMs)
  }
}
