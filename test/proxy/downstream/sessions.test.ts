import { expect, test } from 'vitest'
import { sealerOf } from '../../../src/proxy/downstream/sealer.ts'
import type { Session } from '../../../src/proxy/downstream/session.ts'
import { Sessions } from '../../../src/proxy/downstream/sessions.ts'
import { Aborter } from '../../../src/shared/signal.ts'
import { collectAll } from '../../helpers/heap.ts'
import { newKey } from '../../helpers/proxy.ts'

const facts = { server: undefined, principal: '', version: '2025-11-25', capabilities: {}, clientInfo: {} } as const
const MINUTE = 60_000

function open({ key = newKey(), most = 10, group = 'local' } = {}) {
  const ended: Session[] = []
  const sessions = new Sessions({
    sealer: sealerOf(key),
    group,
    most: () => most,
    ended: (one) => void ended.push(one),
  })
  return { sessions, ended, key, [Symbol.dispose]: () => sessions[Symbol.dispose]() }
}

test('a session in memory is found at once, as one object', () => {
  using one = open()
  const session = one.sessions.create(facts)
  expect(one.sessions.find(session.id)).toBe(session)
})

test('another process with the key goes on with the session, as one object however many ask', () => {
  using one = open()
  using other = open({ key: one.key })
  const { id, facts: sealed } = one.sessions.create(facts)
  const first = other.sessions.find(id)
  const second = other.sessions.find(id)
  expect(first).toBe(second)
  expect(first).toMatchObject({ id, facts: sealed })
})

test('D-13: another group’s id is not found, whoever has the same key', () => {
  using one = open()
  using other = open({ key: one.key, group: 'remote' })
  const { id } = one.sessions.create(facts)
  expect(other.sessions.find(id)).toBeUndefined()
})

test('a deleted session does not come back', () => {
  using one = open()
  const session = one.sessions.create(facts)
  one.sessions.delete(session)
  expect(one.sessions.find(session.id)).toBeUndefined()
  expect(one.ended).toEqual([session])
})

test('a session that another process deletes meanwhile ends here too', () => {
  using one = open()
  using other = open({ key: one.key })
  const { id, facts: sealed } = one.sessions.create(facts)
  const reopened = other.sessions.find(id)
  other.sessions.learn([sealed.sid])
  expect(other.sessions.find(id)).toBeUndefined()
  expect(other.ended).toEqual([reopened])
})

test('D-10: an idle session leaves memory and comes back by its id, a busy one stays', () => {
  using one = open()
  const idle = one.sessions.create(facts)
  const busy = one.sessions.create(facts)
  busy.calls.set(1, new Aborter())
  one.sessions.sweep(performance.now() + 29 * MINUTE)
  expect([...one.sessions]).toEqual([idle, busy])
  one.sessions.sweep(performance.now() + 31 * MINUTE)
  expect([...one.sessions]).toEqual([busy])
  const back = one.sessions.find(idle.id)
  expect(one.ended).toEqual([idle])
  one.sessions.sweep(performance.now() + 40 * MINUTE)
  expect(one.sessions.find(busy.id)).toBe(busy)
  expect(busy.calls.size).toBe(1)
  expect(back).toMatchObject({ id: idle.id })
  expect(back).not.toBe(idle)
})

function begin(count: number, sessions: Sessions): readonly WeakRef<Session>[] {
  return Array.from({ length: count }, () => new WeakRef(sessions.create(facts)))
}

test('D-10: of sessions that became idle the heap holds none', async () => {
  using one = open({ most: 1000 })
  const refs = begin(1000, one.sessions)
  one.sessions.sweep(performance.now() + 31 * MINUTE)
  expect([[...one.sessions].length, one.ended.length]).toEqual([0, 1000])
  one.ended.length = 0
  // A reference that was made just now holds what it points to until the turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  collectAll()
  expect(refs.filter((ref) => ref.deref() !== undefined).length).toBe(0)
})

test('when there is no room, nothing is evicted and a good id is told apart from a bad one', () => {
  using one = open()
  using small = open({ key: one.key, most: 1 })
  const kept = small.sessions.create(facts)
  expect(small.sessions.isFull).toBe(true)
  const { id } = one.sessions.create(facts)
  expect(small.sessions.find(id)).toBe('full')
  expect(small.sessions.find('bad')).toBeUndefined()
  expect(small.sessions.find(kept.id)).toBe(kept)
})
