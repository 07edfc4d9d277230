import type { Log } from '../../shared/log.ts'

const SECOND = 1000

/** Lets so many lines a second through and counts the others. */
export class LineLimit {
  readonly #perSecond: number
  readonly #now: () => number
  #second = Number.NEGATIVE_INFINITY
  #lines = 0
  #suppressed = 0

  /** `now` is a monotonic clock, in milliseconds. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond
    this.#now = now
  }

  /** Whether one more may pass. `resumed` is told first how many were suppressed since the last one that did. */
  admits(resumed: (suppressed: number) => void): boolean {
    const second = Math.floor(this.#now() / SECOND)
    if (second !== this.#second) this.#lines = 0
    this.#second = second
    if (this.#lines >= this.#perSecond) {
      this.#suppressed++
      return false
    }
    const suppressed = this.#suppressed
    this.#suppressed = 0
    // The line that tells of them is one of those that are let through.
    this.#lines += suppressed > 0 ? 2 : 1
    if (suppressed > 0) resumed(suppressed)
    return true
  }
}

/**
 * The same log, at most so many lines a second in all: what one server does wrong again and again must not hide what
 * others say. Debug lines are not held back, who asks for them wants them.
 */
export function steadyLog(log: Log, limit: LineLimit): Log {
  const at =
    (level: 'info' | 'warn' | 'error') =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      const resumed = (lines: number): void => log.warn(`${lines} lines suppressed`, { lines })
      if (limit.admits(resumed)) log[level](message, fields)
    }
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => steadyLog(log.with(fields), limit),
  }
}
