import fc from 'fast-check'
import { expect, test } from 'vitest'
import { List, type ListParts } from '../../../src/proxy/catalog/list.ts'

const piece = fc.constantFrom('a', 'b', 'a,b').map((text) => Buffer.from(text))
const parts: fc.Arbitrary<ListParts> = fc.record({
  open: fc.constantFrom('[', '[x'),
  pieces: fc.array(piece, { maxLength: 3 }),
  close: fc.constantFrom(']', 'x]'),
})

test('a list is its pieces with commas between them', () => {
  fc.assert(
    fc.property(parts, ({ open, pieces, close }) => {
      expect(`${new List({ open, pieces, close })}`).toBe(`${open}${pieces.join(',')}${close}`)
    }),
  )
})

test('two lists are equal when they read the same, however they were put together', () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const [first, second] = [new List(one), new List(other)]
      expect(first.equals(second)).toBe(`${first}` === `${second}`)
    }),
    { numRuns: 1000 },
  )
})
