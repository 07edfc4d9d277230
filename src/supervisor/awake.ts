import { within } from '../shared/async.ts'

/** A timer that comes this late says that this very process was stopped or the machine asleep. */
const LATE_MS = 2_000

/**
 * As `within`, on the time this process was awake: after a stop the other side's answer may be there already, unread,
 * and nobody is to be given up for that.
 */
export async function withinAwake<T, F>(ms: number, promise: Promise<T>, fallback: F): Promise<T | F> {
  const late = Symbol()
  for (;;) {
    const due = performance.now() + ms
    const outcome = await within<T, typeof late>(ms, promise, late)
    if (outcome !== late) return outcome
    if (performance.now() - due < LATE_MS) return fallback
  }
}
