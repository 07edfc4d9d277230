import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Timing } from './timing.ts'

export interface RefresherOptions {
  readonly fetch: () => Promise<void>
  readonly timing: Pick<Timing, 'debounce' | 'refetch'>
  readonly log: Log
}

/** Fetches lists anew after a change: once per burst, never two at a time, and not more often than `refetch` allows. */
export class Refresher implements Disposable {
  readonly #options: RefresherOptions
  #timer: NodeJS.Timeout | undefined
  #isRunning = false
  #isStale = false
  #isOver = false
  #last = Number.NEGATIVE_INFINITY

  constructor(options: RefresherOptions) {
    this.#options = options
  }

  /** Something changed; what is known stays in use until the new lists are in place. */
  stale(): void {
    this.#isStale = true
    if (this.#isOver || this.#isRunning || this.#timer !== undefined) return
    const { debounce, refetch } = this.#options.timing
    const wait = Math.max(debounce, this.#last + refetch - performance.now())
    this.#timer = setTimeout(() => void this.#run(), wait)
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  async #run(): Promise<void> {
    this.#timer = undefined
    this.#isRunning = true
    this.#isStale = false
    this.#last = performance.now()
    try {
      await this.#options.fetch()
    } catch (error) {
      this.#options.log.warn('lists could not be fetched anew', { reason: messageOf(error) })
    }
    this.#isRunning = false
    if (this.#isStale) this.stale()
  }
}
