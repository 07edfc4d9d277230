import fc from 'fast-check'
import { expect, test } from 'vitest'
import { afterLoss, type Crashes, noCrashes } from '../../src/supervisor/backoff.ts'
import { usualTiming } from '../../src/supervisor/timing.ts'

test('waits longer after each crash, half of it at random, up to thirty seconds', () => {
  const waits = (random: number) => crashLoop(7, random).map(({ waitMs }) => waitMs)
  expect(waits(0)).toEqual([0, 125, 250, 500, 1_000, 2_000, 4_000])
  expect(waits(1)).toEqual([100, 250, 500, 1_000, 2_000, 4_000, 8_000])
})

test('quarantines a proxy that was lost eight times within two minutes, and probes it once a minute', () => {
  const losses = crashLoop(10, 0.5)
  expect(losses.map(({ crashes }) => crashes.quarantined)).toEqual([...Array(7).fill(false), true, true, true])
  expect(losses.slice(7).map(({ waitMs }) => waitMs)).toEqual([60_000, 60_000, 60_000])
})

test('does not quarantine a proxy that crashes once in a while', () => {
  let crashes = noCrashes
  for (let time = 0; time < 3_600_000; time += 20_000) crashes = lose(crashes, { now: time }).crashes
  expect(crashes.quarantined).toBe(false)
})

test('starts a proxy that had been ready for two seconds at once and holds nothing against it', () => {
  const { crashes } = lose(noCrashes, {})
  expect(lose(crashes, { readyFor: 2_000 })).toEqual({ crashes, waitMs: 0 })
  expect(lose(crashes, { readyFor: 1_999 }).waitMs).toBeGreaterThan(0)
})

test('forgets everything once a proxy has been ready for a minute', () => {
  const looping = crashLoop(9, 0.5).at(-1)?.crashes ?? noCrashes
  expect(lose(looping, { readyFor: 60_000 })).toEqual({ crashes: noCrashes, waitMs: 0 })
})

test('waits longer and longer for what is temporary, and holds nothing against it', () => {
  let loss = lose(noCrashes, { isTemporary: true })
  const waits = [loss.waitMs]
  for (let time = 1; time < 20; time++) {
    loss = lose(loss.crashes, { now: time, isTemporary: true })
    waits.push(loss.waitMs)
  }
  expect(loss.crashes).toMatchObject({ times: [], quarantined: false })
  expect(waits.slice(1)).toEqual([...waits.slice(1)].sort((a, b) => a - b))
  expect(waits.at(-1)).toBe(22_500)
})

test('never waits longer than a probe and its jitter, and remembers no more than the window', () => {
  const loss = fc.record({
    after: fc.nat(200_000),
    readyFor: fc.nat(70_000),
    isTemporary: fc.boolean(),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.array(fc.record({ loss }), { maxLength: 40 }), (losses) => {
      let now = 0
      let crashes = noCrashes
      for (const { loss } of losses) {
        now += loss.after
        const next = afterLoss(crashes, { ...loss, now, timing: usualTiming.restart })
        expect(next.waitMs).toBeGreaterThanOrEqual(0)
        expect(next.waitMs).toBeLessThanOrEqual(72_000)
        if (next.waitMs > 0 && !loss.isTemporary)
          expect(next.crashes.times.every((time) => now - time < 120_000)).toBe(true)
        crashes = next.crashes
      }
    }),
  )
})

function crashLoop(times: number, random: number) {
  const losses = [lose(noCrashes, { random })]
  while (losses.length < times) losses.push(lose(losses.at(-1)?.crashes ?? noCrashes, { random, now: losses.length }))
  return losses
}

function lose(crashes: Crashes, { now = 0, readyFor = 0, random = 0.5, isTemporary = false }) {
  return afterLoss(crashes, { now, readyFor, random, isTemporary, timing: usualTiming.restart })
}
