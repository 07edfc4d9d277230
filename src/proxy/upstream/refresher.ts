import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Timing } from './timing.ts'

const LONGEST_LIFE_MS = 24 * 60 * 60 * 1000
const LONGEST_PAUSE_MS = 300_000

export interface RefresherOptions {
  readonly fetch: () => Promise<void>
  readonly timing: Pick<Timing, 'debounce' | 'refetch'>
  readonly log: Log
}

/**
 * Fetches lists anew after a change: once per burst, never two at a time, and not more often than `refetch` allows. A
 * change is announced once, so what could not be fetched is asked for again, after growing pauses.
 */
export class Refresher implements Disposable {
  readonly #options: RefresherOptions
  #timer: NodeJS.Timeout | undefined
  #expiry: NodeJS.Timeout | undefined
  /** Fetches after a change that failed in a row. */
  #failures = 0
  #running: Promise<void> | undefined
  #isStale = false
  #isOver = false
  #last = Number.NEGATIVE_INFINITY

  constructor(options: RefresherOptions) {
    this.#options = options
  }

  /** Something changed; what is known stays in use until the new lists are in place. */
  stale(): void {
    this.#isStale = true
    if (this.#isOver || this.#running !== undefined || this.#timer !== undefined) return
    const { debounce, refetch } = this.#options.timing
    const wait = Math.max(debounce, this.#last + refetch - performance.now())
    this.#timer = setTimeout(() => void this.#run(), wait)
  }

  /** Fetches at once; whoever asks in the meantime waits for the same lists. Rejects when they cannot be had. */
  now(): Promise<void> {
    this.#running ??= this.#fetch()
    return this.#running
  }

  /** What was fetched holds for so many milliseconds, undefined for ever: then it is fetched anew, sooner or never. */
  expires(ms: number | undefined): void {
    this.#failures = 0
    this.#due(ms)
  }

  /** What was fetched is not all there is: the rest is asked for after a pause, longer each time in a row. */
  failed(): void {
    this.#due(Math.min(this.#options.timing.refetch * 2 ** this.#failures++, LONGEST_PAUSE_MS))
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    clearTimeout(this.#expiry)
  }

  #due(ms: number | undefined): void {
    clearTimeout(this.#expiry)
    if (this.#isOver || ms === undefined) return
    const wait = Math.min(Math.max(ms, this.#options.timing.refetch), LONGEST_LIFE_MS)
    // Jitter: what was fetched together is not fetched anew together.
    this.#expiry = setTimeout(() => this.stale(), wait * (1 + 0.1 * Math.random()))
    this.#expiry.unref()
  }

  async #fetch(): Promise<void> {
    this.#isStale = false
    this.#last = performance.now()
    try {
      await this.#options.fetch()
    } finally {
      this.#running = undefined
      if (this.#isStale) this.stale()
    }
  }

  async #run(): Promise<void> {
    this.#timer = undefined
    if (this.#running !== undefined) {
      // It was asked for before the change that is the reason now.
      this.#isStale = true
      return
    }
    try {
      await this.now()
    } catch (error) {
      this.#options.log.warn('lists could not be fetched anew', { reason: messageOf(error) })
      this.failed()
    }
  }
}
