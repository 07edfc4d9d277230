import { setTimeout as delay } from 'node:timers/promises'

/** Polls until `check` gives something truthy and resolves with it; what it throws counts as not yet. */
export async function until(check, { ms = 30_000, every = 5, what = String(check) } = {}) {
  const deadline = performance.now() + ms
  let last
  while (performance.now() < deadline) {
    try {
      const value = await check()
      if (value) return value
    } catch (error) {
      last = error
    }
    await delay(every)
  }
  throw new Error(`not within ${ms} ms: ${what}`, { cause: last })
}
