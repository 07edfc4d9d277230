/** Messages that may come at once, and how many a second in the long run. */
const BURST = 10_000
const PER_SECOND = 1000

/** How much a server may say that nobody asked for. What is within it costs no look at the clock. */
export class Allowance {
  readonly #now: () => number
  #left = BURST
  #filledAt: number

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#filledAt = now()
  }

  /** Whether one more is within it. */
  takes(): boolean {
    if (this.#left === 0) this.#fill()
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  #fill(): void {
    const now = this.#now()
    const earned = Math.floor(((now - this.#filledAt) * PER_SECOND) / 1000)
    if (earned === 0) return
    this.#left = Math.min(BURST, earned)
    this.#filledAt = now
  }
}
