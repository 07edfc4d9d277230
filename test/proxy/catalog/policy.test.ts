import { expect, test } from 'vitest'
import { policyOf } from '../../../src/proxy/catalog/policy.ts'

const all = { allow: 'all', deny: [], rename: {}, override: {} } as const

test.each([
  { allow: 'all', deny: [], own: 'anything', visible: true },
  { allow: ['query_*'], deny: [], own: 'query_rows', visible: true },
  { allow: ['query_*'], deny: [], own: 'delete_rows', visible: false },
  { allow: ['query_*'], deny: ['query_secret'], own: 'query_secret', visible: false },
  { allow: 'all', deny: ['*'], own: '.a/b', visible: false },
  { allow: [], deny: [], own: 'anything', visible: false },
  { allow: ['file:///srv/**'], deny: [], own: 'file:///srv/a/b.txt', visible: true },
  { allow: ['file:///srv/*'], deny: [], own: 'file:///srv/a/b.txt', visible: true },
  { allow: ['file:///srv/*'], deny: [], own: 'file:///etc/passwd', visible: false },
  { allow: ['{a,b}_x'], deny: [], own: 'b_x', visible: true },
  { allow: ['!a'], deny: [], own: 'b', visible: false },
  { allow: ['odd[name]'], deny: [], own: 'odd[name]', visible: true },
] as const)('allow $allow, deny $deny: $own is visible: $visible', ({ allow, deny, own, visible }) => {
  expect(policyOf({ ...all, allow, deny }).isVisible(own)).toBe(visible)
})

test('an override replaces fields of the listed item and leaves the others', () => {
  const policy = policyOf({ ...all, override: { a: { description: 'ours' } } })
  expect(policy.override('a', { name: 'a', description: 'theirs', extra: 1 })).toEqual({
    name: 'a',
    description: 'ours',
    extra: 1,
  })
})

test('an item without an override is the very same object', () => {
  const item = { name: 'toString' }
  expect(policyOf(all).override('toString', item)).toBe(item)
  expect(policyOf(all).rename('toString')).toBe('toString')
})
