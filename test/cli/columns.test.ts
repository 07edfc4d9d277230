import { styleText } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clip, columns, width } from '../../cli/columns.ts'

test('columns are aligned and end without trailing spaces', () => {
  expect(
    columns([
      ['NAME', 'STATE'],
      ['local-fast', 'ready'],
      ['x', ''],
    ]),
  ).toBe('NAME        STATE\nlocal-fast  ready\nx\n')
})

test('colours take no width', () => {
  const green = styleText('green', 'ready', { validateStream: false })
  expect(width(green)).toBe(5)
  expect(
    columns([
      [green, 'a'],
      ['starting', 'b'],
    ]),
  ).toBe(`${green}     a\nstarting  b\n`)
})

test.each([
  ['日本', 4],
  ['é', 1],
  ['e\u0301', 1],
  ['✔', 1],
  ['🎉', 2],
])('%s is as wide as a terminal draws it', (text, cells) => expect(width(text)).toBe(cells))

test('a clipped text never exceeds its cells', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
      expect(width(clip(text, max))).toBeLessThanOrEqual(max)
    }),
  )
})

test('a clipped line keeps its colours and ends them', () => {
  const red = styleText('red', 'a long sentence', { validateStream: false })
  expect(clip(red, 8)).toBe('\u001b[31ma long …\u001b[39m')
})
