import { expect, test } from 'vitest'
import { keepSame } from '../../src/config/keep.ts'
import { serverOf } from '../helpers/group.ts'
import { groupOf, profileOf } from '../plan/profile.ts'

const made = () =>
  profileOf([groupOf('fast', { servers: [serverOf('memory'), serverOf('git')] }), groupOf('slow', { servers: [] })])

test('what is equal is the very same object as before', () => {
  const before = made()
  const kept = keepSame(made(), before)
  expect(kept).toEqual(before)
  expect(kept.groups.map((group, at) => group === before.groups[at])).toEqual([true, true])
})

test('of a group with another server the others stay the same objects', () => {
  const before = made()
  const [fast] = before.groups
  const servers = [serverOf('time'), serverOf('git'), serverOf('memory', { prefix: 'm_' })]
  const kept = keepSame(profileOf([groupOf('fast', { servers }), groupOf('slow', { servers: [] })]), before)
  expect(kept.groups[0]?.servers).toEqual(servers)
  expect(kept.groups[0]?.servers.map((server) => fast?.servers.includes(server))).toEqual([false, true, false])
  expect(kept.groups[1]).toBe(before.groups[1])
})

test('a setting of the group alone makes another group of the same servers', () => {
  const before = made()
  const changed = { ...made(), groups: made().groups.map((group) => ({ ...group, listWait: 1 })) }
  const kept = keepSame(changed, before)
  expect(kept.groups[0]).toMatchObject({ listWait: 1 })
  expect(kept.groups[0]?.servers).toBe(before.groups[0]?.servers)
})
