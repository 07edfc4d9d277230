import type { HeartbeatTiming } from './timing.ts'

export interface HeartbeatOptions {
  readonly timing: HeartbeatTiming
  /** Resolves when the server answered, whatever it said; rejects when it did not in time. */
  readonly ask: (ms: number) => Promise<void>
  /** Whether the connection is used, so that its calls' own clocks watch over it. */
  readonly isBusy: () => boolean
  /** Time of the last message, in milliseconds of `performance.now()`. */
  readonly lastHeard: () => number
  readonly dead: () => void
}

/** Asks an idle connection for a sign of life, so that a half-open one is found before a call needs it. */
export class Heartbeat implements Disposable {
  readonly #options: HeartbeatOptions
  #timer: NodeJS.Timeout | undefined
  #isChecking = false
  #isOver = false

  constructor(options: HeartbeatOptions) {
    this.#options = options
    this.#schedule()
  }

  /** Asks at once: something just failed in a way that may or may not be the connection's end. */
  suspect(): void {
    if (this.#isChecking || this.#isOver) return
    clearTimeout(this.#timer)
    void this.#check()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#isOver) return
    const jitter = 0.9 + 0.2 * Math.random()
    this.#timer = setTimeout(() => this.#tick(), this.#options.timing.every * jitter)
    this.#timer.unref()
  }

  #tick(): void {
    const { isBusy, lastHeard, timing } = this.#options
    const isFresh = performance.now() - lastHeard() < timing.every * 0.9
    if (isBusy() || isFresh) this.#schedule()
    else void this.#check()
  }

  async #check(): Promise<void> {
    this.#isChecking = true
    const isAlive = await this.#isAlive()
    this.#isChecking = false
    if (isAlive) this.#schedule()
    else if (!this.#isOver) this.#options.dead()
  }

  async #isAlive(): Promise<boolean> {
    const { ask, timing } = this.#options
    for (let miss = 0; miss < timing.misses && !this.#isOver; miss++) {
      try {
        await ask(timing.timeout)
        return true
      } catch {
        // A miss: the next one decides, the last one is reported.
      }
    }
    return false
  }
}
