import { setTimeout as delay } from 'node:timers/promises'

/**
 * Polls until `check` returns something truthy and resolves with it; what `check` throws counts as "not yet". Fails
 * after `ms` with the last value or error seen, so that the report says what was there instead.
 */
export async function waitFor<T>(check: () => T | Promise<T>, ms = 10_000): Promise<NonNullable<T>> {
  const deadline = performance.now() + ms
  let last: unknown
  while (performance.now() < deadline) {
    try {
      const value = await check()
      if (value) return value
      last = value
    } catch (error) {
      last = error
    }
    await delay(10)
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last)
  throw new Error(`not within ${ms} ms: ${check} (last: ${seen})`)
}
