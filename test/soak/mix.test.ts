import { expect, test } from 'vitest'
import { mix } from './mix.ts'
import { report } from './report.ts'

const minutes = Number(process.env.SOAK_MINUTES ?? 30)
const seed = Number(process.env.SOAK_SEED ?? 1)
/** A shorter run is still warming up when its first third ends. */
const tolerance = minutes >= 20 ? 1.05 : 1.25

test(
  'under random faults nothing fails without a reason, and nothing grows',
  async () => {
    const found = await mix({ minutes, seed })
    await report('mix', { ...found })
    expect(found.unexplained).toEqual([])
    expect(found.streams.unexplained).toBe(0)
    for (const { process: name, first, last } of found.usage) {
      expect.soft({ name, grown: last.rss / first.rss > tolerance }).toEqual({ name, grown: false })
      expect.soft({ name, fds: last.fds / first.fds > tolerance }).toEqual({ name, fds: false })
    }
  },
  40 * 60_000 + minutes * 60_000,
)
