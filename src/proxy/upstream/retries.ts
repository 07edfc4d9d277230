const SECOND = 1000
/** Attempts that may follow one another at once, after a quiet time. */
const BURST = 32
const PER_SECOND = 8

/**
 * How often the servers of one group are tried again that are away. A few never notice; of a thousand dead ones each
 * waits longer, instead of all of them together keeping the proxy busy. What comes back costs nothing, so a crowd of
 * servers that is back is not held up by it. First connects and lost sessions do not ask here.
 */
export class Retries {
  readonly #now: () => number
  readonly #waiting = new Set<() => void>()
  #left = BURST
  #countedAt: number
  #timer: NodeJS.Timeout | undefined

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#countedAt = now()
  }

  /** Calls `go` when it is its turn, which may be at once; who gives up before that calls what is returned. */
  ask(go: () => void): () => void {
    this.#waiting.add(go)
    this.#serve()
    return () => this.#waiting.delete(go)
  }

  /** An attempt led to a connection. */
  succeeded(): void {
    this.#left = Math.min(BURST, this.#left + 1)
    this.#serve()
  }

  /** First come, first served. */
  #serve(): void {
    this.#refill()
    for (const go of this.#waiting) {
      if (this.#left < 1) break
      this.#left--
      this.#waiting.delete(go)
      go()
    }
    if (this.#waiting.size > 0) this.#timer ??= setTimeout(() => this.#wake(), SECOND / PER_SECOND)
  }

  #wake(): void {
    this.#timer = undefined
    this.#serve()
  }

  #refill(): void {
    const now = this.#now()
    this.#left = Math.min(BURST, this.#left + ((now - this.#countedAt) * PER_SECOND) / SECOND)
    this.#countedAt = now
  }
}
