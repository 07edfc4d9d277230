import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Retries } from '../../../src/proxy/upstream/retries.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

interface Crowd {
  /** When each attempt went, in the order of asking. */
  readonly gone: Map<number, number>
  /** The most that were on their way at once. */
  most: number
}

/** So many servers that are tried again, each attempt taking so long. */
function crowd(retries: Retries, count: number, takes: (nth: number) => number): Crowd {
  const all: Crowd = { gone: new Map(), most: 0 }
  let going = 0
  for (let nth = 0; nth < count; nth++) {
    const place = retries.ask(() => {
      all.gone.set(nth, Date.now())
      going++
      all.most = Math.max(all.most, going)
      setTimeout(() => {
        going--
        place[Symbol.dispose]()
      }, takes(nth))
    })
  }
  return all
}

const onFakeClock = (): Retries => new Retries({ now: () => Date.now() })

test('a few servers that are away are tried as soon as those before them are through', async () => {
  const begin = Date.now()
  const some = crowd(onFakeClock(), 12, () => 20)
  await vi.advanceTimersByTimeAsync(1000)
  expect([...some.gone.values()].map((at) => at - begin)).toEqual([0, 0, 0, 0, 20, 20, 20, 20, 40, 40, 40, 40])
})

test('U-32: a hundred servers that restart together are connected to four at a time, in their order, over 5 s', async () => {
  const begin = Date.now()
  const many = crowd(onFakeClock(), 100, () => 50)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(many.gone.size).toBe(100)
  expect(many.most).toBeLessThanOrEqual(4)
  expect([...many.gone.keys()]).toEqual(Array.from({ length: 100 }, (_, nth) => nth))
  const spread = Math.max(...many.gone.values()) - begin
  expect(spread).toBeGreaterThanOrEqual(5000)
  expect(spread).toBeLessThanOrEqual(10_000)
})

test('U-32: connects that hang for as long as they may are at most sixteen at once, and keep nobody away', async () => {
  const many = crowd(onFakeClock(), 100, () => 15_000)
  await vi.advanceTimersByTimeAsync(300_000)
  expect(many.gone.size).toBe(100)
  expect(many.most).toBeLessThanOrEqual(16)
})

test('whatever attempts take, never more than four count and all come to their turn', async () => {
  const durations = fc.array(fc.integer({ min: 0, max: 3999 }), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(durations, async (takes) => {
      const some = crowd(onFakeClock(), takes.length, (nth) => takes[nth] ?? 0)
      await vi.advanceTimersByTimeAsync(takes.length * 4000)
      expect([some.gone.size, some.most <= 4]).toEqual([takes.length, true])
    }),
    { numRuns: 30 },
  )
})

test('who gives up is not tried, and leaves the place to the next', async () => {
  const retries = onFakeClock()
  const many = crowd(retries, 4, () => 100_000)
  let isTried = false
  const place = retries.ask(() => {
    isTried = true
  })
  let next = 0
  using _after = retries.ask(() => next++)
  place[Symbol.dispose]()
  await vi.advanceTimersByTimeAsync(5000)
  expect([many.gone.size, isTried, next]).toEqual([4, false, 1])
})
