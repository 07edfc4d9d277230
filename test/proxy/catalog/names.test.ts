import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutName, markUri, unmarkUri } from '../../../src/proxy/catalog/names.ts'

test('a name stays whole while 64 characters hold it', () => {
  expect(cutName('memory_read_graph')).toBe('memory_read_graph')
  expect(cutName('read_graph')).toBe('read_graph')
  expect(cutName('x'.repeat(64))).toBe('x'.repeat(64))
})

test('a longer name is cut and told apart by a hash of the whole', () => {
  const one = cutName(`server_${'x'.repeat(70)}1`)
  const two = cutName(`server_${'x'.repeat(70)}2`)
  expect(one).toMatch(/^server_x{50}_[0-9a-f]{6}$/)
  expect(one).toHaveLength(64)
  expect(two).not.toBe(one)
})

test('a shown name is the same every time and never longer than 64 characters', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (whole) => {
      const shown = cutName(whole)
      return shown.length <= 64 && shown === cutName(whole)
    }),
  )
})

test.each([
  ['ui://widget/chart.html', 'ui://mcpctl.maps/widget/chart.html'],
  ['file:///etc/hosts', 'file://mcpctl.maps//etc/hosts'],
  ['memo:insights', 'memo:mcpctl.maps/insights'],
  ['file:///{path}', 'file://mcpctl.maps//{path}'],
  ['no scheme', 'mcpctl:mcpctl.maps/no scheme'],
])('a colliding %s keeps its scheme when it is marked', (own, shown) => {
  expect(markUri(own, 'maps')).toBe(shown)
})

test('whatever is marked is found again', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string()), fc.string({ minLength: 1 }), (own, server) => {
      expect(unmarkUri(markUri(own, server))).toEqual({ server, own })
    }),
  )
})

test.each(['file:///etc/hosts', 'ui://mcpctl/x', 'mcpctl.maps/x', 'a:mcpctl.%zz/x', ''])(
  '%s is nobody’s mark',
  (uri) => {
    expect(unmarkUri(uri)).toBeUndefined()
  },
)
