import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Allowance } from '../../../src/proxy/upstream/allowance.ts'
import { LineLimit, steadyLog } from '../../../src/proxy/upstream/line-limit.ts'
import { Stderr } from '../../../src/proxy/upstream/stderr.ts'
import { createLog } from '../../../src/shared/log.ts'

interface Line {
  readonly msg: string
  readonly lines?: number
}

function recorded() {
  const lines: Line[] = []
  return { lines, log: createLog({ level: 'info', write: (line) => lines.push(JSON.parse(line)) }) }
}

test('L-12: of what is logged of one server at most ten lines a second are written, and the others are counted', () => {
  let now = 0
  const { lines, log } = recorded()
  const limit = new LineLimit(10, () => now)
  const steady = steadyLog(log, limit)
  const gaps = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 200, maxLength: 400 })
  fc.assert(
    fc.property(gaps, (pauses) => {
      lines.length = 0
      now += 10_000
      const times: number[] = []
      for (const [nth, pause] of pauses.entries()) {
        now += nth % 50 === 0 ? 2000 : Math.floor(pause / 30)
        const before = lines.length
        if (nth % 2 === 0) steady.warn('server lost')
        else steady.with({ part: 1 }).info('server ready')
        for (let written = before; written < lines.length; written++) times.push(Math.floor(now / 1000))
      }
      for (const second of times) expect(times.filter((one) => one === second).length).toBeLessThanOrEqual(10)
      now += 2000
      steady.info('the end')
      const told = lines.reduce((sum, { lines: suppressed = 0 }) => sum + suppressed, 0)
      const written = lines.filter(({ lines: suppressed }) => suppressed === undefined).length
      expect(told + written).toBe(pauses.length + 1)
    }),
    { numRuns: 20 },
  )
})

test('L-12: what is suppressed is told with the next line, as so many lines suppressed', () => {
  let now = 0
  const { lines, log } = recorded()
  const steady = steadyLog(log, new LineLimit(10, () => now))
  for (let nth = 0; nth < 15; nth++) steady.warn(`line ${nth}`)
  now = 1000
  steady.warn('again')
  expect(lines.slice(10).map(({ msg }) => msg)).toEqual(['5 lines suppressed', 'again'])
})

test('U-40: of stderr the newest 64 KiB are kept, and 200 lines a second logged', () => {
  let now = 0
  const { lines, log } = recorded()
  const stream = new PassThrough()
  const stderr = new Stderr(stream, log, new LineLimit(200, () => now))
  for (let mebibytes = 0; mebibytes < 8; mebibytes++) stream.emit('data', `${'x'.repeat(1023)}\n`.repeat(1024))
  expect(stderr.tail).toHaveLength(64 * 1024)
  expect(lines).toHaveLength(200)
  now = 1000
  stream.emit('data', 'last words\n')
  expect(lines.slice(200).map(({ msg }) => msg)).toEqual(['7992 lines of stderr suppressed', 'server stderr'])
  expect(stderr.tail.endsWith('last words\n')).toBe(true)
})

test('U-38: ten thousand messages may come at once, and a thousand a second in the long run', () => {
  let now = 0
  const allowance = new Allowance(() => now)
  const admitted = (count: number): number => {
    let taken = 0
    for (let nth = 0; nth < count; nth++) if (allowance.takes()) taken++
    return taken
  }
  expect(admitted(30_000)).toBe(10_000)
  expect(admitted(1000)).toBe(0)
  let later = 0
  for (let second = 0; second < 10; second++) {
    now += 1000
    later += admitted(5000)
  }
  expect(later).toBe(10_000)
  now += 3_600_000
  expect(admitted(30_000)).toBe(10_000)
})
