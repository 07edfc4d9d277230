import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Group } from '../../src/config/profile.ts'
import { desiredGroups, type Wishes } from '../../src/plan/desired.ts'
import { diff } from '../../src/plan/diff.ts'
import { formatPlan, printPlan } from '../../src/plan/format.ts'
import { Hashes } from '../../src/plan/hashes.ts'
import type { Action, DesiredGroup, ObservedGroup, ObservedProcess, Plan } from '../../src/plan/model.ts'
import { canonical } from '../../src/shared/canonical.ts'
import { serverOf } from '../helpers/group.ts'
import { groupOf, profileOf } from './profile.ts'

const fast = groupOf('fast', { port: 7611, servers: [serverOf('memory'), serverOf('git')] })
const slow = groupOf('slow', { port: 7612, servers: [serverOf('search')] })
const pair = [fast, slow]

test('starts every group of a profile that nothing runs of', () => {
  expect(planned(pair, [])).toEqual(['+ fast start: new in the profile', '+ slow start: new in the profile'])
})

test('leaves alone what is as wanted, and says so', () => {
  expect(planned(pair, running(pair))).toEqual(['= fast unchanged', '= slow unchanged'])
})

test.each<[string, Partial<Group>, string]>([
  ['a changed server', { servers: [serverOf('memory', { prefix: 'm_' }), serverOf('git')] }, 'server memory changed'],
  ['an added server', { servers: [serverOf('memory'), serverOf('git'), serverOf('time')] }, 'server time added'],
  ['a removed server', { servers: [serverOf('git')] }, 'server memory removed'],
  [
    'several changed servers',
    { servers: [serverOf('memory', { required: true }), serverOf('time')] },
    'server git removed, server memory changed, server time added',
  ],
  ['another order of servers', { servers: [serverOf('git'), serverOf('memory')] }, 'group settings changed'],
  ["a group's own setting", { listWait: 1 }, 'group settings changed'],
])('reloads the group with %s and no other', (_title, change, detail) => {
  expect(planned([{ ...fast, ...change }, slow], running(pair))).toEqual([
    `~ fast reload: ${detail}`,
    '= slow unchanged',
  ])
})

test.each<[string, Partial<Group>, string]>([
  ['another port', { port: 7700 }, 'port 7611 → 7700'],
  ['another host', { host: '::1' }, 'address 127.0.0.1:7611 → ::1:7611'],
  ['another port and server', { port: 7700, servers: [serverOf('git')] }, 'port 7611 → 7700, server memory removed'],
])('moves the group with %s', (_title, change, detail) => {
  expect(planned([{ ...fast, ...change }, slow], running(pair))).toEqual([`~ fast move: ${detail}`, '= slow unchanged'])
})

test('stops a group that left the profile before it starts the one that came', () => {
  expect(planned([slow, groupOf('new', { port: 7611 })], running(pair))).toEqual([
    '- fast stop: no longer in the profile',
    '+ new start: new in the profile',
    '= slow unchanged',
  ])
})

test('restarts exactly the groups whose generation was raised', () => {
  const wishes = { ...none, generations: new Map([['slow', 1]]) }
  expect(planned(pair, running(pair), { wishes })).toEqual(['~ slow restart: asked to restart', '= fast unchanged'])
})

test('stops and starts groups as asked', () => {
  const stopped = { ...none, stopped: new Set(['fast']) }
  expect(planned(pair, running(pair), { wishes: stopped })).toEqual(['- fast stop: asked to stop', '= slow unchanged'])
  const halted = running(pair).map((group) => as(group, 'fast', { state: 'none' }))
  expect(planned(pair, halted, { wishes: stopped })).toEqual(['= fast unchanged', '= slow unchanged'])
  expect(planned(pair, halted)).toEqual(['+ fast start: asked to start', '= slow unchanged'])
})

test('runs only the groups that were named', () => {
  expect(planned(pair, [], { wishes: { ...none, only: new Set(['slow']) } })).toEqual([
    '+ slow start: new in the profile',
    '= fast unchanged',
  ])
})

test('lets a crashed group rest until its retry is due', () => {
  const crashed = running(pair).map((group) => as(group, 'fast', { state: 'exited', reason: 'exit 1', retryAt: 500 }))
  const resting = diffOf(pair, crashed, { now: 499 })
  expect(formatPlan(resting)).toEqual(['= slow unchanged'])
  expect(resting).toMatchObject({ waiting: ['fast'], wakeAt: 500 })
  expect(planned(pair, crashed, { now: 500 })).toEqual(['+ fast start: exit 1', '= slow unchanged'])
})

test.each<[string, Partial<Group>, string]>([
  ['its configuration changes', { listWait: 1 }, '+ fast start: group settings changed'],
  ['its port changes', { port: 7700 }, '+ fast start: port 7611 → 7700'],
])('does not wait for the retry when %s', (_title, change, line) => {
  const crashed = running(pair).map((group) => as(group, 'fast', { state: 'exited', reason: 'exit 1', retryAt: 500 }))
  expect(planned([{ ...fast, ...change }, slow], crashed)[0]).toBe(line)
})

test('does not wait for the retry when a restart is asked for', () => {
  const crashed = running(pair).map((group) => as(group, 'fast', { state: 'exited', reason: 'exit 1', retryAt: 500 }))
  const wishes = { ...none, generations: new Map([['fast', 1]]) }
  expect(planned(pair, crashed, { wishes })).toEqual(['+ fast start: asked to restart', '= slow unchanged'])
})

test('starts a group anew only when its old process has left', () => {
  const leaving = running(pair).map((group) => as(group, 'fast', { state: 'draining', pid: 7 }))
  expect(diffOf(pair, leaving)).toMatchObject({
    actions: [],
    unchanged: ['slow'],
    waiting: ['fast'],
    wakeAt: undefined,
  })
})

test('ends the rest of a crashed group that is wanted no more', () => {
  const crashed = running(pair).map((group) => as(group, 'fast', { state: 'exited', reason: 'exit 1', retryAt: 500 }))
  expect(planned([slow], crashed)).toEqual(['- fast stop: no longer in the profile', '= slow unchanged'])
})

test('prints a plan for the wire without the configuration in it', () => {
  const plan = diffOf([{ ...fast, servers: [serverOf('git')] }, slow], running(pair))
  expect(printPlan(plan)).toEqual({
    actions: [
      {
        do: 'reload',
        group: 'fast',
        cause: { why: 'changed', detail: 'server memory removed' },
        servers: [{ name: 'memory', change: 'removed' }],
      },
    ],
    unchanged: ['slow'],
  })
})

test('hashes equal data equally, whatever order its keys were written in', () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue())
  fc.assert(
    fc.property(record, (data) => {
      const turned = Object.fromEntries(Object.entries(data).reverse())
      expect(canonical(turned)).toBe(canonical(data))
    }),
  )
})

const anyGroups = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          name: fc.constant(name),
          port: fc.integer({ min: 7611, max: 7614 }),
          listWait: fc.integer({ min: 1, max: 2 }),
          servers: fc.subarray([serverOf('one'), serverOf('two'), serverOf('two', { required: true })]),
        }),
      ),
    ),
  )
  .map((groups) => groups.map(({ name, ...change }) => groupOf(name, change)))

const anyWishes = fc.record({
  stopped: fc.subarray(['a', 'b']).map((names) => new Set(names)),
  only: fc.subarray(['a', 'c']).map((names) => new Set(names)),
  generations: fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(2)).map((counts) => new Map(Object.entries(counts))),
})

const anyProcess = fc.oneof(
  fc.constant<ObservedProcess>({ state: 'none' }),
  fc.constant<ObservedProcess>({ state: 'running', pid: 1 }),
  fc.constant<ObservedProcess>({ state: 'draining', pid: 2 }),
  fc.nat(20).map((retryAt): ObservedProcess => ({ state: 'exited', reason: 'exit 1', retryAt })),
)

const anyObserved = anyGroups.chain((groups) =>
  fc
    .tuple(...groups.map(() => anyProcess))
    .map((processes) => running(groups).map((group, at) => ({ ...group, process: processes[at] ?? group.process }))),
)

test('has nothing to do where desired and observed are equal', () => {
  fc.assert(
    fc.property(anyGroups, anyWishes, (groups, wishes) => {
      const desired = desiredOf(groups, wishes)
      const observed = desired.map((group) => observedAs(group))
      expect(diff({ desired, observed, now: 0 }).actions).toEqual([])
    }),
  )
})

test('carried out, a plan leaves nothing to do but to wait', () => {
  fc.assert(
    fc.property(anyGroups, anyWishes, anyObserved, (groups, wishes, observed) => {
      const desired = desiredOf(groups, wishes)
      const plan = diff({ desired, observed, now: 10 })
      const rest = diff({ desired, observed: carriedOut(plan, observed), now: 10 })
      expect(rest.actions).toEqual([])
      expect([...rest.unchanged, ...rest.waiting].sort()).toEqual(desired.map((group) => group.name).sort())
    }),
  )
})

test('accounts for every group once', () => {
  fc.assert(
    fc.property(anyGroups, anyWishes, anyObserved, (groups, wishes, observed) => {
      const desired = desiredOf(groups, wishes)
      const plan = diff({ desired, observed, now: 10 })
      const touched = plan.actions.map((action) => action.group)
      const wanted = new Set(desired.map((group) => group.name))
      const accounted = [...touched.filter((name) => wanted.has(name)), ...plan.unchanged, ...plan.waiting]
      expect(accounted.sort()).toEqual([...wanted].sort())
      expect(new Set(touched).size).toBe(touched.length)
    }),
  )
})

test('plans the same whatever order the groups were observed in', () => {
  fc.assert(
    fc.property(anyGroups, anyWishes, anyObserved, (groups, wishes, observed) => {
      const desired = desiredOf(groups, wishes)
      expect(diff({ desired, observed: [...observed].reverse(), now: 10 })).toEqual(
        diff({ desired, observed, now: 10 }),
      )
    }),
  )
})

test('chooses the port of an automatic group from what the supervisor picked', () => {
  const desired = desiredOf([groupOf('fast', { port: 'auto' })], none, new Map([['fast', 7650]]))
  expect(desired[0]?.listen).toEqual({ host: '127.0.0.1', port: 7650 })
})

const none: Wishes = { stopped: new Set(), only: new Set(), generations: new Map() }

interface Turn {
  readonly wishes?: Wishes
  readonly now?: number
}

function planned(groups: readonly Group[], observed: readonly ObservedGroup[], turn: Turn = {}) {
  return formatPlan(diffOf(groups, observed, turn))
}

function diffOf(groups: readonly Group[], observed: readonly ObservedGroup[], { wishes, now }: Turn = {}): Plan {
  return diff({ desired: desiredOf(groups, wishes), observed, now: now ?? 0 })
}

function desiredOf(groups: readonly Group[], wishes = none, ports: ReadonlyMap<string, number> = new Map()) {
  const hashes = new Hashes((text) => createHash('sha256').update(text).digest('hex').slice(0, 12))
  return desiredGroups({ profile: profileOf(groups), wishes, ports, hashes })
}

function running(groups: readonly Group[]): readonly ObservedGroup[] {
  return desiredOf(groups).map((group) => observedAs({ ...group, running: true }))
}

function observedAs({ name, listen, hash, servers, generation, running: runs }: DesiredGroup): ObservedGroup {
  const process: ObservedProcess = runs ? { state: 'running', pid: 1 } : { state: 'none' }
  return { name, process, listen: runs ? listen : undefined, hash, servers, generation }
}

function as(group: ObservedGroup, name: string, process: ObservedProcess): ObservedGroup {
  return group.name === name ? { ...group, process } : group
}

/** What a faithful executor leaves behind. */
function carriedOut(plan: Plan, observed: readonly ObservedGroup[]): readonly ObservedGroup[] {
  const touched = new Map(plan.actions.map((action) => [action.group, action]))
  const kept = observed.filter((group) => !touched.has(group.name))
  return [...kept, ...plan.actions.map((action) => outcome(action, observed))]
}

function outcome(action: Action, observed: readonly ObservedGroup[]): ObservedGroup {
  if (action.do !== 'stop') return observedAs(action.desired)
  const before = observed.find((group) => group.name === action.group)
  if (!before) throw new Error(`stops ${action.group}, which is not there`)
  return { ...before, process: { state: 'none' }, listen: undefined }
}
