import { expect, test } from 'vitest'
import { describeDifferences } from '../../cli/differences-text.ts'

const paint = (_style: unknown, text: string) => text

test('differences read as removed and added lines', () => {
  const port = { pointer: '/groups/lan/port', before: '7613', after: '7623' }
  expect(describeDifferences([port], paint)).toBe('- /groups/lan/port: 7613\n+ /groups/lan/port: 7623\n')
})

test('a server or group that only one side has is one line', () => {
  const found = [
    '/groups/a/name',
    '/groups/a/port',
    '/groups/a/servers/x/name',
    '/groups/b/servers/y/name',
    '/groups/b/servers/y/prefix',
  ]
  const added = found.map((pointer) => ({ pointer, before: undefined, after: '"v"' }))
  expect(describeDifferences(added, paint)).toBe('+ /groups/a\n+ /groups/b/servers/y\n')
})

test('equal profiles have no differences', () => {
  expect(describeDifferences([], paint)).toBe('no differences\n')
})
