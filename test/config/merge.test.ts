import fc from 'fast-check'
import { expect, test } from 'vitest'
import { merge, mergeAll, prune } from '../../src/config/merge.ts'
import { parse } from '../../src/config/parse.ts'
import { sourceOf } from '../../src/config/source.ts'
import { child, type MapNode, toData } from '../../src/config/tree.ts'

type Data = { [key: string]: Value }
type Value = null | number | string | readonly number[] | Data

const key = fc.constantFrom('a', 'b', 'c', 'toString')
const { map } = fc.letrec<{ map: Data; value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, 1, 2, 'x'),
    fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
    tie('map'),
  ),
  map: fc.dictionary(key, tie('value'), { maxKeys: 3 }),
}))

/** Maps whose keys always hold the same kind of thing: `a` and `b` maps, `c` scalars. */
const uniform: fc.Arbitrary<Data> = fc.letrec<{ map: Data }>((tie) => ({
  map: fc.record(
    {
      a: fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('map')),
      b: fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('map')),
      c: fc.constantFrom(null, 1, 'x'),
    },
    { requiredKeys: [] },
  ),
})).map

function tree(data: Data): MapNode {
  const { root } = parse(sourceOf('/x.yaml', JSON.stringify(data), '/'))
  if (root === undefined) throw new Error('not a map')
  return root
}

const plain = (node: MapNode): unknown => JSON.parse(JSON.stringify(toData(node)))

test('nothing on top and nothing underneath change nothing', () => {
  fc.assert(
    fc.property(map, (a) => {
      expect(plain(merge(tree(a), tree({})))).toEqual(a)
      expect(plain(merge(tree({}), tree(a)))).toEqual(a)
    }),
  )
})

test('a map on top of itself is itself', () => {
  fc.assert(
    fc.property(map, (a) => {
      expect(plain(merge(tree(a), tree(a)))).toEqual(a)
    }),
  )
})

test('grouping does not matter as long as a key does not change its kind', () => {
  fc.assert(
    fc.property(uniform, uniform, uniform, (a, b, c) => {
      const left = merge(merge(tree(a), tree(b)), tree(c))
      const right = merge(tree(a), merge(tree(b), tree(c)))
      expect(plain(left)).toEqual(plain(right))
    }),
  )
})

test('the last one to say something about a scalar or a list wins', () => {
  const merged = mergeAll(tree({ a: 1, l: [1, 2] }), tree({ a: 2 }), undefined, tree({ l: [3] }))
  expect(plain(merged)).toEqual({ a: 2, l: [3] })
})

test('null deletes what is underneath, at any depth, and leaves no trace', () => {
  const merged = merge(tree({ a: { x: 1, y: 2 }, b: 1 }), tree({ a: { x: null }, b: null, c: null }))
  expect(plain(prune(merged))).toEqual({ a: { y: 2 } })
})

test('nothing that is pruned holds null', () => {
  fc.assert(
    fc.property(map, (a) => {
      expect(JSON.stringify(plain(prune(tree(a))))).not.toContain('null')
    }),
  )
})

test('a key that was deleted may come back without what it was', () => {
  const merged = mergeAll(tree({ a: { x: 1 } }), tree({ a: null }), tree({ a: { y: 2 } }))
  expect(plain(prune(merged))).toEqual({ a: { y: 2 } })
})

test('every value still knows the file it came from', () => {
  const under = parse(sourceOf('/base.yaml', 'a: { x: 1, y: 2 }', '/')).root
  const over = parse(sourceOf('/prod.yaml', 'a: { y: 3 }', '/')).root
  if (under === undefined || over === undefined) throw new Error('not parsed')
  const merged = child(merge(under, over), 'a')
  expect(child(merged, 'x')?.at.source.path).toBe('/base.yaml')
  expect(child(merged, 'y')?.at.source.path).toBe('/prod.yaml')
})
