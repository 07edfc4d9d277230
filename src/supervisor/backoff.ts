import type { Timing } from './timing.ts'

/** Times are milliseconds on a monotonic clock. */

/** What a group remembers of the proxies it lost, until one has proved stable. */
export interface Crashes {
  /** Since the last stable proxy. */
  readonly consecutive: number
  /** When they were, as far as the window reaches back. */
  readonly times: readonly number[]
  /** Too many within the window: only probes from now on, until one is stable. */
  readonly quarantined: boolean
}

export const noCrashes: Crashes = { consecutive: 0, times: [], quarantined: false }

export interface Loss {
  readonly now: number
  /** How long the lost proxy had been ready; 0 when it never was. */
  readonly readyFor: number
  /** Nothing it could help: waited for as long, but not held against it. */
  readonly isTemporary: boolean
  /** Uniform in [0, 1). */
  readonly random: number
  readonly timing: Timing['restart']
}

/** A proxy that was ready this long did its work: it is replaced at once and nothing is held against it. */
const USEFUL_MS = 2_000
/** One that was ready this long ends the memory of what was before. */
const STABLE_MS = 60_000
const WINDOW_MS = 120_000
const TOO_MANY = 8

/** How long to wait before the next start, and what to remember: jittered, doubling, and after a crash loop rare. */
export function afterLoss(crashes: Crashes, loss: Loss): { readonly crashes: Crashes; readonly waitMs: number } {
  if (loss.readyFor >= STABLE_MS) return { crashes: noCrashes, waitMs: 0 }
  if (loss.readyFor >= USEFUL_MS) return { crashes, waitMs: 0 }
  const next = loss.isTemporary ? again(crashes) : counted(crashes, loss.now)
  return { crashes: next, waitMs: waitOf(next, loss) }
}

function again(crashes: Crashes): Crashes {
  return { ...crashes, consecutive: crashes.consecutive + 1 }
}

function counted({ consecutive, times, quarantined }: Crashes, now: number): Crashes {
  const recent = [...times.filter((time) => now - time < WINDOW_MS), now]
  return { consecutive: consecutive + 1, times: recent, quarantined: quarantined || recent.length >= TOO_MANY }
}

function waitOf({ consecutive, quarantined }: Crashes, { random, timing }: Loss): number {
  if (quarantined) return timing.probe * (0.8 + 0.4 * random)
  if (consecutive === 1) return timing.first * random
  const whole = Math.min(timing.longest, timing.step * 2 ** (consecutive - 2))
  return whole / 2 + (whole / 2) * random
}
