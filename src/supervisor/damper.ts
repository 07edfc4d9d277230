/** Contents of this many milliseconds are remembered. */
const WINDOW_MS = 60_000
/** So many of them may come as fast as they like. */
const FREE = 10
const EVERY_MS = 5_000

/**
 * Slows down files that go back and forth: content that is rejected, or that was in force a moment ago, is taken every
 * few seconds only once much has come. Content that is new and good is never kept waiting.
 */
export class Damper {
  readonly #now: () => number
  /** By content, when it was last taken. */
  readonly #seen = new Map<string, number>()
  #times: readonly number[] = []
  #present: string | undefined

  /** `now` is monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes content in, undefined where it is rejected: 0, or how long to leave it alone before it is read again. */
  take(content: string | undefined): number {
    if (content !== undefined && content === this.#present) return 0
    const now = this.#now()
    this.#forget(now)
    const isRestless = content === undefined || this.#seen.has(content)
    const wait = (this.#times.at(-1) ?? now) + EVERY_MS - now
    if (isRestless && this.#times.length >= FREE && wait > 0) return wait
    this.#times = [...this.#times, now]
    if (content === undefined) return 0
    this.#present = content
    this.#seen.set(content, now)
    return 0
  }

  #forget(now: number): void {
    this.#times = this.#times.filter((time) => now - time < WINDOW_MS)
    for (const [content, time] of this.#seen) if (now - time >= WINDOW_MS) this.#seen.delete(content)
  }
}
