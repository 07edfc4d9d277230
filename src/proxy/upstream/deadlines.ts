import type { PendingCall } from './pending.ts'

/** The longest wait Node's timers know. */
const LONGEST = 2 ** 31 - 1

/**
 * One timer for all calls in flight on a line, armed for the first that may be too late. Most calls are answered long
 * before: they cost a comparison, not a timer each.
 */
export class Deadlines implements Disposable {
  readonly #calls: () => Iterable<PendingCall>
  readonly #expired: (call: PendingCall) => void
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires, in milliseconds of `performance.now()`. */
  #at = Number.POSITIVE_INFINITY

  constructor(calls: () => Iterable<PendingCall>, expired: (call: PendingCall) => void) {
    this.#calls = calls
    this.#expired = expired
  }

  /** This call is among those in flight from now on. */
  watch({ due }: PendingCall): void {
    if (due < this.#at) this.#arm(due)
  }

  #arm(at: number): void {
    clearTimeout(this.#timer)
    this.#at = at
    const ms = Math.ceil(at - performance.now())
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(ms, 1), LONGEST)).unref()
  }

  /** What was a sign of life, or an answer, since the timer was armed is noticed only here. */
  #look(): void {
    this.#at = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const call of this.#calls()) {
      if (call.due <= now) this.#expired(call)
      else this.watch(call)
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#at = Number.NEGATIVE_INFINITY
  }
}
