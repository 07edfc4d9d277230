import { expect, test } from 'vitest'
import { summarisePings } from '../../src/client/ping.ts'

test('the summary has the nearest-rank percentile', () => {
  const times = Array.from({ length: 20 }, (_, i) => i + 1)
  expect(summarisePings(times)).toEqual({ count: 20, min: 1, avg: 10.5, p95: 19, max: 20 })
})

test('no pings make an empty summary', () => {
  expect(summarisePings([])).toEqual({ count: 0, min: 0, avg: 0, p95: 0, max: 0 })
})
