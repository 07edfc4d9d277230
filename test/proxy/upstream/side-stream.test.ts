import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventBody } from '../../../src/proxy/upstream/body.ts'
import { ROUTINE_MS, reopenDelay } from '../../../src/proxy/upstream/side-stream.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observeReady, serverOf } from './harness.ts'
import { tinyServer } from './tiny.ts'

const SECOND = 1000

test.each([
  ['no wish', undefined, 0, 1000],
  ['zero', 0, 0, 1000],
  ['a wish', 3000, 0, 3000],
  ['an absurd wish', 9e15, 0, 300_000],
  ['many failures', undefined, 20, 60_000],
  ['a wish above the backoff', 10_000, 1, 10_000],
])('U-30: reopens the side stream after %s', (_title, retry, failures, expected) => {
  expect(reopenDelay(retry, failures, () => 0.5)).toBe(expected)
})

test.each([
  ['0', 1000],
  ['9000000000000000', 300_000],
  ['-1', 1000],
  ['abc', 1000],
])('U-30: "retry: %s" in a stream has the next one opened after %s ms', (retry, expected) => {
  const body = new EventBody(() => {})
  body.chunk(Buffer.from(`retry: ${retry}\n\n`))
  expect(reopenDelay(body.retry, 0, () => 0.5)).toBe(expected)
})

test('U-31: whatever a server wishes and the dice say, a stream closed at once is opened at most 5 times in 10 s', () => {
  const wish = fc.option(fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined })
  const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(wish, fc.array(dice, { minLength: 20, maxLength: 20 }), (retry, faces) => {
      let now = 0
      let opened = 0
      for (const [failures, face] of faces.entries()) {
        if (now < 10 * SECOND) opened++
        now += reopenDelay(retry, failures + 1, () => face)
      }
      expect(opened).toBeLessThanOrEqual(5)
    }),
  )
})

test('streams that lived for 20 s ended in the ordinary course: the next comes after 1 s, and none is a failure', () => {
  expect(ROUTINE_MS).toBe(20 * SECOND)
  const delays = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(delays, (face) => {
      const ms = reopenDelay(undefined, 0, () => face)
      expect(ms).toBeGreaterThanOrEqual(SECOND)
      expect(ms).toBeLessThanOrEqual(1.2 * SECOND)
    }),
  )
})

test('U-31: a stream that ends at once costs the server neither its state nor a warning', async () => {
  await using server = await tinyServer(({ req, res }) => {
    if (req.method !== 'GET') return false
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\n\n')
    return true
  })
  await using fixture = await observeReady(serverOf(http(server.url)))
  await waitFor(() => server.asked.filter((method) => method === 'GET').length === 3)
  expect(fixture.states).toEqual(['connecting', 'ready'])
  expect(fixture.logs.filter(({ level }) => level === 'warn')).toEqual([])
})
