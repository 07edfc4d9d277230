import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, isWidened, pinOf } from '../../../src/proxy/catalog/pin.ts'
import type { Item } from '../../../src/proxy/upstream/listing.ts'

const tool: Item = {
  name: 'send',
  title: 'Send',
  description: 'Sends a mail',
  inputSchema: { type: 'object', properties: { to: { type: 'string', 'x-mcp-header': 'To' } }, required: ['to'] },
  outputSchema: { type: 'object' },
  annotations: { readOnlyHint: false },
  execution: { taskSupport: 'optional' },
  _meta: { ui: { resourceUri: 'ui://send' } },
}

const fields = Object.keys(tool)

/** The same data with the keys of every object in another order. */
function shuffled(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order))
  if (typeof value !== 'object' || value === null) return value
  const record = value as Record<string, unknown>
  return Object.fromEntries(order(Object.keys(record)).map((key) => [key, shuffled(record[key], order)]))
}

test('the order of keys does not change a digest', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.infiniteStream(fc.nat()), (extra, random) => {
      const item = { ...tool, _meta: extra }
      const order = (keys: string[]) =>
        keys
          .map((key) => [random.next().value, key] as const)
          .sort(([a], [b]) => a - b)
          .map(([, key]) => key)
      expect(pinOf('tools', shuffled(item, order) as Item)).toEqual(pinOf('tools', item))
    }),
  )
})

test('any other value of a covered field is another digest', () => {
  const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  fc.assert(
    fc.property(fc.constantFrom(...fields), json, (field, value) => {
      fc.pre(JSON.stringify(value) !== JSON.stringify(tool[field]))
      expect(pinOf('tools', { ...tool, [field]: value }).digest).not.toBe(pinOf('tools', tool).digest)
    }),
  )
})

test('a single character anywhere in a text is another digest', () => {
  const text = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(text, fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (description, at, char) => {
      const where = at % description.length
      const other = description.slice(0, where) + char + description.slice(where)
      expect(digestOf(other)).not.toBe(digestOf(description))
    }),
  )
})

test.each(fields)('a tool without its %s is another one', (field) => {
  const { [field]: _gone, ...rest } = tool
  expect(pinOf('tools', rest).digest).not.toBe(pinOf('tools', tool).digest)
})

test.each([
  ['composed and decomposed letters', 'é', 'e\u0301'],
  ['a space and one without a break', 'a b', 'a\u00a0b'],
  ['a Latin and a Cyrillic letter', 'a', 'а'],
  ['nothing and a zero-width space', 'ab', 'a\u200bb'],
])('%s are not the same', (_what, one, other) => {
  expect(digestOf(one)).not.toBe(digestOf(other))
})

test('what no model reads may change', () => {
  const dressed = { ...tool, icons: [{ src: 'https://example.com/a.png' }], zz: 1 }
  expect(pinOf('tools', dressed)).toEqual(pinOf('tools', tool))
})

const schema = (properties: object, more: object = {}) => ({
  ...tool,
  inputSchema: { type: 'object', properties, ...more },
})

test.each([
  ['a parameter more', schema({ a: {} }), schema({ a: {}, b: {} }), true],
  ['the first parameter', schema({}), schema({ b: {} }), true],
  ['parameters where none were spoken of', { ...tool, inputSchema: { type: 'object' } }, schema({ b: {} }), true],
  ['a parameter more and another text', schema({ a: {} }), { ...schema({ a: {}, b: {} }), description: 'x' }, false],
  ['a parameter more that is required', schema({ a: {} }), schema({ a: {}, b: {} }, { required: ['b'] }), false],
  ['another parameter', schema({ a: {} }), schema({ b: {} }), false],
  ['a parameter more, and one changed', schema({ a: {} }), schema({ a: { enum: [1] }, b: {} }), false],
  ['a parameter less', schema({ a: {}, b: {} }), schema({ a: {} }), false],
  ['a parameter named like a part of JavaScript', schema({ a: {} }), schema({ a: {}, ['__proto__']: {} }), true],
])('whether a tool only takes more: %s', (_what, before, now, expected) => {
  expect(isWidened(now, pinOf('tools', before))).toBe(expected)
})
