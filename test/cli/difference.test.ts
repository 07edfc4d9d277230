import fc from 'fast-check'
import { expect, test } from 'vitest'
import { differences } from '../../cli/difference.ts'
import { describeDifferences } from '../../cli/differences-text.ts'

test('named list items are compared by name, and what one side lacks is one difference', () => {
  const from = {
    groups: [
      { name: 'a', port: 1 },
      { name: 'b', port: 2 },
    ],
  }
  const to = {
    groups: [
      { name: 'b', port: 3 },
      { name: 'c', port: 4 },
    ],
  }
  expect(differences(from, to)).toEqual([
    { path: 'groups.a', from: { name: 'a', port: 1 }, to: undefined },
    { path: 'groups.b.port', from: 2, to: 3 },
    { path: 'groups.c', from: undefined, to: { name: 'c', port: 4 } },
  ])
})

test('differences read as removed and added lines', () => {
  expect(describeDifferences(differences({ a: 1, b: [] }, { a: 2, b: [] }), (_style, text) => text)).toBe(
    '- a: 1\n+ a: 2\n',
  )
  expect(describeDifferences([], (_style, text) => text)).toBe('no differences\n')
})

test('a document does not differ from itself', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(differences(value, value)).toEqual([])
    }),
  )
})
