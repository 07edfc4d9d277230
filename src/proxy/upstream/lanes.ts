import { type Deferred, defer, pause } from '../../shared/async.ts'
import { Aborter, type Signal } from '../../shared/signal.ts'

export interface LanesOptions {
  readonly width: number
  /** How many may wait for a place. */
  readonly queue: number
  /** How long they wait, in milliseconds. */
  readonly patience: number
  /** Whether some call in flight waits for its client: what that one calls meanwhile may be what its answer needs. */
  readonly isAsked?: () => boolean
  /** Whether all calls in flight have done so for long: a person may take any time, and nobody else waits for that. */
  readonly isPaused?: () => boolean
}

/** Who wants a place. */
export interface Entrant {
  /** Two with the same client may be in a narrow lane together; undefined is nobody's. */
  readonly client?: string | undefined
  readonly signal?: Signal
}

interface Waiting {
  readonly client: string | undefined
  readonly place: Deferred<boolean>
}

/**
 * Bounds what is in flight to one server, and the queue in front of it, first come first served. Once narrowed, calls
 * of one client at a time are in flight, so that it is certain whom the server means when it asks; but none waits longer
 * for that than for a place, since others may wait for a person, or for ever.
 */
export class Lanes {
  readonly #options: LanesOptions
  readonly #waiting = new Set<Waiting>()
  #taken = 0
  #isNarrow = false
  /** Whose calls are in flight, as far as it matters. */
  #client: string | undefined

  constructor(options: LanesOptions) {
    this.#options = options
  }

  /** For good: the server asks without saying whom. What is in flight goes on. */
  narrow(): void {
    this.#isNarrow = true
  }

  /** False when there is no place in time. Every true must be followed by one `leave`. */
  enter({ client, signal }: Entrant = {}): boolean | Promise<boolean> {
    const isNext = this.#waiting.size === 0 || !this.#isNarrow || this.#options.isAsked?.() === true
    if (isNext && this.#fits(client)) return this.#take(client)
    return this.#waiting.size < this.#options.queue && this.#wait(client, signal)
  }

  #fits(client: string | undefined): boolean {
    if (this.#taken >= this.#options.width) return false
    if (!this.#isNarrow || this.#taken === 0 || this.#options.isPaused?.() === true) return true
    return client !== undefined && client === this.#client
  }

  #take(client: string | undefined): true {
    // Two clients in flight are nobody's lane: no third call is one of theirs.
    this.#client = this.#taken === 0 || this.#client === client ? client : undefined
    this.#taken++
    return true
  }

  leave(): void {
    this.#taken--
    for (const next of this.#waiting) {
      if (!this.#fits(next.client)) return
      this.#waiting.delete(next)
      next.place.resolve(this.#take(next.client))
    }
  }

  /** A place given in the very moment patience ends is a place: the deferred, not the clock, has the last word. */
  async #wait(client: string | undefined, signal: Signal | undefined): Promise<boolean> {
    const waiting = { client, place: defer<boolean>() }
    this.#waiting.add(waiting)
    using over = new Aborter().follow(...(signal ? [signal] : []))
    await Promise.race([waiting.place.promise, pause(this.#options.patience, over)])
    over.abort()
    if (this.#waiting.delete(waiting)) waiting.place.resolve(signal?.aborted !== true && this.#squeezeIn(client))
    return waiting.place.promise
  }

  /** That one client at a time is in a narrow lane is a preference: not being served for it would be worse. */
  #squeezeIn(client: string | undefined): boolean {
    return this.#isNarrow && this.#taken < this.#options.width && this.#take(client)
  }
}
