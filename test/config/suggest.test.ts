import { expect, test } from 'vitest'
import defs from '../../schemas/defs.schema.json' with { type: 'json' }
import { nearest } from '../../src/config/suggest.ts'

const maps = Object.entries(defs.definitions).flatMap(([name, definition]) =>
  'properties' in definition ? [[name, Object.keys(definition.properties)] as const] : [],
)

/** `prot, oprt, potr` of `port`. */
function swapsOf(word: string): string[] {
  const swaps = [...word].map((letter, i) => word.slice(0, i) + (word[i + 1] ?? '') + letter + word.slice(i + 2))
  return swaps.slice(0, -1).filter((swapped) => swapped !== word)
}

test.each(maps)('two swapped letters in a key of %s are understood, however short it is', (_name, keys) => {
  for (const key of keys) for (const typed of swapsOf(key)) expect([typed, nearest(typed, keys)]).toEqual([typed, key])
})

test.each([
  ['another case', 'LOCAL-FAST', 'local-fast'],
  ['a letter too few', 'memry', 'memory'],
  ['a letter too many', 'envv', 'env'],
  ['nothing alike', 'kubernetes', undefined],
])('%s: %s is %s', (_why, typed, meant) => {
  expect(nearest(typed, ['env', 'memory', 'local-fast'])).toBe(meant)
})
