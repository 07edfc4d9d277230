import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blank, type Happening, next, type Past, type Rules, type Step } from '../../../src/proxy/upstream/circuit.ts'
import { type FailureKind, LinkFailure } from '../../../src/proxy/upstream/failure.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

const rules: Rules = {
  restart: { policy: 'always', backoff: 500, maxBackoff: 30_000 },
  isProcess: false,
  stable: 30_000,
  session: 1000,
  hopeless: 300_000,
}
const process: Rules = { ...rules, isProcess: true }
const never: Rules = { ...rules, restart: { ...rules.restart, policy: 'never' } }

function failure(kind: FailureKind = 'unreachable', retryAfterMs?: number): LinkFailure {
  return new LinkFailure(kind, 'x', retryAfterMs === undefined ? {} : { retryAfterMs })
}

const missed = (kind?: FailureKind, ms?: number): Happening => ({ is: 'missed', failure: failure(kind, ms) })
const lost = (kind: FailureKind = 'ended', ms?: number): Happening => ({ is: 'lost', failure: failure(kind, ms) })
const ready: Happening = { is: 'ready' }
const failed: Happening = { is: 'failed' }
const answered: Happening = { is: 'answered' }

/** A server's life on a clock of its own, with dice that always fall in the same way. */
function life(own: Rules = rules, random: () => number = () => 1) {
  let past: Past = blank
  let now = 1_000_000
  const one = (happening: Happening): Step => {
    const turnout = next(past, happening, { now, random, rules: own })
    past = turnout.past
    return turnout.step
  }
  return {
    get past() {
      return past
    },
    get now() {
      return now
    },
    pass(ms: number) {
      now += ms
    },
    /** What is done after the last of them. */
    goes(...happenings: readonly Happening[]): string {
      return happenings.map((happening) => wordsFor(one(happening))).at(-1) ?? ''
    },
    one,
  }
}

function wordsFor(step: Step): string {
  if (step.do !== 'rest') return step.do
  return `${step.opened === undefined ? '' : `open after ${step.opened}, `}${step.state} ${step.ms}`
}

function times(count: number, happening: Happening): readonly Happening[] {
  return Array.from({ length: count }, () => happening)
}

test.each<[string, Rules, readonly Happening[], string]>([
  ['the first failure', rules, [missed()], 'backoff 500'],
  ['the fourth', rules, times(4, missed()), 'backoff 4000'],
  ['a process that was ready', process, [ready, lost()], 'connect'],
  ['a process that fails again soon', process, [ready, lost(), ready, lost()], 'backoff 1000'],
  ['a process that was never ready', process, [missed('ended')], 'backoff 500'],
  ['a lost session', rules, [ready, lost('session')], 'connect'],
  ['a session lost again soon', rules, [ready, lost('session'), ready, lost('session')], 'backoff 1000'],
  ['a lost session that may not restart', never, [ready, lost('session')], 'connect'],
  ['any failure without restarts', never, [ready, lost()], 'failed never'],
  ['a missing program', { ...process, hopeless: 1000 }, [missed('hopeless')], 'failed 1200'],
  ['refused credentials', { ...rules, hopeless: 1000 }, [missed('unauthorized')], 'authRequired 1200'],
  ['a refused scope', { ...rules, hopeless: 1000 }, [ready, lost('forbidden')], 'authRequired 1200'],
  ['a server that asks for a pause', rules, [missed('busy', 3000)], 'backoff 3000'],
  ['a call that failed', rules, [ready, failed], 'stay'],
])('after %s', (_title, own, happenings, expected) => {
  expect(life(own).goes(...happenings)).toBe(expected)
})

test('unlucky dice are no reason to storm', () => {
  expect(life(rules, () => 0).goes(missed())).toBe('backoff 100')
})

test('five failures in a row open the circuit, for 10 s at first and twice as long each time, up to 5 min', () => {
  const { goes } = life(rules, () => 0.5)
  expect(goes(...times(4, missed()))).toBe('backoff 2000')
  expect(goes(missed())).toBe('open after 5 failures in a row, backoff 10000')
  const pauses = times(7, missed()).map((one) => Number(/(\d+)$/.exec(goes(one))?.[1]))
  expect(pauses).toEqual([20, 40, 80, 160, 300, 300, 300].map((s) => s * SECOND))
})

test('five calls in a row that fail open the circuit, and one that is answered between them keeps it closed', () => {
  const broken = life(rules, () => 0.5)
  expect(broken.goes(ready, ...times(5, failed))).toBe('open after 5 failed calls in a row, backoff 10000')
  const doubtful = life()
  expect(doubtful.goes(ready, ...times(4, failed), answered, ...times(4, failed))).toBe('stay')
})

test('half of twenty calls within 30 s open the circuit, but not over a longer time', () => {
  const pairs = (count: number) => Array.from({ length: count }, () => [failed, answered]).flat()
  expect(life(rules, () => 0.5).goes(ready, ...pairs(9), answered, failed)).toBe(
    'open after 10 of 20 calls failed, backoff 10000',
  )
  const slow = life()
  slow.goes(ready, ...pairs(9))
  slow.pass(31 * SECOND)
  expect(slow.goes(failed, answered, failed)).toBe('stay')
})

test('answers cost nothing to remember while no call has failed', () => {
  const { one, past } = life()
  one(answered)
  expect(past.calls).toBeUndefined()
})

test('a server whose probe went well has its five failed calls again, but not a second lost connection', () => {
  const { goes } = life(rules, () => 0.5)
  goes(ready, ...times(5, failed))
  expect(goes(ready, ...times(4, failed))).toBe('stay')
  expect(goes(failed)).toBe('open after 5 failed calls in a row, backoff 20000')
  expect(goes(ready, lost('unreachable'))).toBe('open after another failure, backoff 40000')
})

test('30 s of readiness, not a connect, end the memory of what was before', () => {
  const early = life(rules)
  early.goes(...times(3, missed()), ready)
  early.pass(29 * SECOND)
  expect(early.goes(lost('unreachable'))).toBe('backoff 4000')
  const late = life(rules)
  late.goes(...times(6, missed()), ready)
  late.pass(30 * SECOND)
  expect(late.goes(lost('unreachable'))).toBe('backoff 500')
})

test('longest backoffs other than the usual shorten what an open circuit rests, but never lengthen it', () => {
  const of = (maxBackoff: number): Rules => ({ ...rules, restart: { ...rules.restart, maxBackoff } })
  expect(life(of(3000), () => 0.5).goes(...times(5, missed()))).toContain('backoff 1000')
  expect(life(of(600_000), () => 0.5).goes(...times(5, missed()))).toContain('backoff 10000')
})

/** How often a process starts that ends as soon as it can, when each rest is as short as the dice allow. */
function startsOf(end: () => readonly Happening[], random: () => number, minutes: number): readonly number[] {
  const server = life(process, random)
  const begin = server.now
  const starts: number[] = []
  while (server.now - begin < minutes * MINUTE) {
    starts.push(server.now - begin)
    const steps = end().map((happening) => server.one(happening))
    const step = steps.at(-1)
    if (step?.do === 'rest' && step.ms !== 'never') server.pass(step.ms)
  }
  return starts
}

test('U-14: a process that crashes again and again starts at most 8 times in its first minute and then once in one', () => {
  const dice = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
  const ends = fc.constantFrom<readonly Happening[]>([missed('ended')], [ready, lost()])
  fc.assert(
    fc.property(dice, ends, (stream, end) => {
      const random = (): number => Number(stream.next().value)
      const starts = startsOf(() => end, random, 20)
      expect(starts.filter((at) => at < MINUTE).length).toBeLessThanOrEqual(8)
      const later = starts.filter((at) => at >= MINUTE)
      const pauses = later.slice(1).map((at, nth) => at - (later[nth] ?? 0))
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(48 * SECOND)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(72 * SECOND)
    }),
    { numRuns: 50 },
  )
})

test('U-22: a server that forgets every session before it has served is initialised at most 6 times in a minute', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (lasts, dice) => {
      const server = life(rules, () => dice)
      const begin = server.now
      const initialises: number[] = []
      while (server.now - begin < 5 * MINUTE) {
        initialises.push(server.now - begin)
        server.one(ready)
        server.pass(lasts)
        const step = server.one(lost('session'))
        if (step.do === 'rest' && step.ms !== 'never') server.pass(step.ms)
      }
      for (const at of initialises)
        expect(initialises.filter((one) => one >= at && one < at + MINUTE).length).toBeLessThanOrEqual(6)
    }),
  )
})

test('a server that forgets each session after it has served is never left alone for it', () => {
  const { goes, pass } = life()
  for (let nth = 0; nth < 100; nth++) {
    goes(ready, answered)
    pass(1000)
    expect(goes(lost('session'))).toBe('connect')
  }
})

const kinds: readonly FailureKind[] = ['unreachable', 'ended', 'broken', 'session', 'unauthorized', 'busy', 'hopeless']

test('whatever happens, a rest is never shorter than the floor nor longer than what was asked for or is the bound', () => {
  const end = fc.tuple(
    fc.constantFrom<'missed' | 'lost'>('missed', 'lost'),
    fc.constantFrom(...kinds),
    fc.option(fc.integer({ min: 1000, max: 600_000 }), { nil: undefined }),
  )
  const happening = fc.oneof(
    fc.constantFrom(ready, failed, answered),
    end.map(([is, kind, ms]): Happening => (is === 'lost' ? lost(kind, ms) : missed(kind, ms))),
  )
  const events = fc.array(fc.tuple(happening, fc.integer({ min: 0, max: 40_000 })), { maxLength: 60 })
  const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(events, dice, fc.constantFrom(rules, process, never), (story, random, own) => {
      const server = life(own, () => random)
      for (const [event, ms] of story) {
        const step = server.one(event)
        if (step.do === 'rest' && step.ms !== 'never') {
          expect(step.ms).toBeGreaterThanOrEqual(100)
          expect(step.ms).toBeLessThanOrEqual(600_000)
        }
        // Only the end of a connection has it replaced at once.
        if (step.do === 'connect') expect(event.is).toBe('lost')
        expect(server.past.ends.length).toBeLessThanOrEqual(60)
        server.pass(ms)
      }
    }),
  )
})
