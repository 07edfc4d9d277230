/** A proxy says a few things a second, and while it hands over its streams at most ten thousand once. */
const MOST = 12_000
const WINDOW_MS = 3_000

/** Counts what comes within a few seconds, so that a broken process that never stops talking is noticed. */
export class Flood {
  readonly #now: () => number
  #since = 0
  #count = 0

  /** `now` is monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts one more, and says whether that is too many. */
  isOver(): boolean {
    const now = this.#now()
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now
      this.#count = 0
    }
    this.#count++
    return this.#count > MOST
  }
}
