import { expect, test } from 'vitest'
import { signature } from '../../src/client/signature.ts'

test.each([
  ['no arguments', {}, 'f()'],
  [
    'required before optional',
    { properties: { a: { type: 'number' }, b: { type: 'string' } }, required: ['b'] },
    'f(b: string, a?: number)',
  ],
  ['integers and lists', { properties: { ids: { type: 'array', items: { type: 'integer' } } } }, 'f(ids?: number[])'],
  ['enums', { properties: { e: { enum: ['a', 'b', 1] } } }, 'f(e?: "a" | "b" | 1)'],
  [
    'lists of unions',
    { properties: { e: { type: 'array', items: { type: ['string', 'null'] } } } },
    'f(e?: (string | null)[])',
  ],
  [
    'objects',
    { properties: { o: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } } },
    'f(o?: { x: number })',
  ],
  ['objects without properties', { properties: { o: { type: 'object' } } }, 'f(o?: object)'],
  ['anyOf', { properties: { v: { anyOf: [{ type: 'string' }, { type: 'number' }] } } }, 'f(v?: string | number)'],
  ['const', { properties: { c: { const: 'x' } } }, 'f(c?: "x")'],
  ['names that are no identifiers', { properties: { 'a-b': {} } }, 'f("a-b"?: unknown)'],
  ['a schema that refers to itself', { properties: { n: { $ref: '#' } } }, 'f(n?: unknown)'],
  ['nonsense', { properties: { n: 5 }, required: 'n' }, 'f(n?: unknown)'],
])('%s', (_title, inputSchema, text) => expect(signature({ name: 'f', inputSchema })).toBe(text))

test('an output schema is the return type', () => {
  const outputSchema = {
    type: 'object',
    properties: { hits: { type: 'array', items: { type: 'string' } } },
    required: ['hits'],
  }
  expect(signature({ name: 'f', outputSchema })).toBe('f(): { hits: string[] }')
})
