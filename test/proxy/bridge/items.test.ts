import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { legacyItem, modernItem } from '../../../src/proxy/bridge/items.ts'
import { isRecord, type Params } from '../../../src/proxy/mcp/rpc.ts'
import { kinds } from '../../../src/proxy/upstream/listing.ts'

const object = { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: true }, zz: 1 }
const noise = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })).map((rest): Params => {
  const { inputSchema, outputSchema, execution, ...others } = rest
  return others
})

describe('a tool of a modern server', () => {
  test('is the same object for a legacy client when its schemas have objects for roots', () => {
    fc.assert(
      fc.property(noise, (rest) => {
        const tool = { name: 'x', inputSchema: object, outputSchema: object, ...rest }
        expect(legacyItem('tools', tool)).toBe(tool)
      }),
    )
    const bare = { name: 'without schemas' }
    expect(legacyItem('tools', bare)).toBe(bare)
  })

  test('keeps every field nobody knows when its schemas are wrapped', () => {
    fc.assert(
      fc.property(noise, (rest) => {
        const tool = { name: 'x', ...rest, inputSchema: { zz: 1 }, outputSchema: { type: 'array', zz: [1] } }
        expect(legacyItem('tools', tool)).toEqual({
          ...tool,
          inputSchema: { zz: 1, type: 'object' },
          outputSchema: {
            type: 'object',
            properties: { result: { type: 'array', zz: [1] } },
            required: ['result'],
          },
        })
      }),
    )
  })

  test.each([
    ['true', true, { type: 'object' }],
    ['false', false, { type: 'object', not: {} }],
    ['no type', { anyOf: [{ required: ['a'] }] }, { anyOf: [{ required: ['a'] }], type: 'object' }],
    ['several types', { type: ['object', 'null'] }, { type: 'object' }],
    ['another type', { type: 'string' }, { type: 'string' }],
  ])('has an object for the root of its input schema: %s', (_what, inputSchema, expected) => {
    expect(legacyItem('tools', { name: 'x', inputSchema })).toEqual({ name: 'x', inputSchema: expected })
  })

  test('keeps its dialect at the root of the wrapped output schema', () => {
    const $schema = 'http://json-schema.org/draft-07/schema#'
    const { outputSchema } = legacyItem('tools', { outputSchema: { $schema, type: 'array' } })
    expect(outputSchema).toEqual({
      $schema,
      type: 'object',
      properties: { result: { type: 'array' } },
      required: ['result'],
    })
  })
})

/** Without keys like `valueOf`, which the validator stumbles over in data. */
const plain = fc.jsonValue({ maxDepth: 3 }).filter((value) => !/valueOf|toString/.test(JSON.stringify(value)))

/** Schemas that point into themselves, with names and data that only look like references. */
const schemas: readonly (readonly [string, Params | boolean])[] = [
  ['a boolean', true],
  ['a union', { anyOf: [{ type: 'object', required: ['a'] }, { type: 'null' }, { type: 'number' }] }],
  ['a list of its own definition', { type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'number' } } }],
  ['a tree', { anyOf: [{ type: 'number' }, { type: 'array', items: { $ref: '#' } }] }],
  [
    'a property named like a keyword',
    { anyOf: [{ type: 'object', properties: { $ref: { type: 'number' }, enum: { $ref: '#' } } }, { type: 'number' }] },
  ],
  ['data like a reference', { enum: [{ $ref: '#/x' }, [], 1, null] }],
  ['an anchor', { type: 'array', items: { $ref: '#n' }, $defs: { n: { $anchor: 'n', type: 'number' } } }],
  [
    'a document of its own',
    { $id: 'https://example.com/s', type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'null' } } },
  ],
  [
    'an inner document',
    {
      type: 'array',
      items: { $id: 'https://example.com/i', allOf: [{ $ref: '#/$defs/n' }], $defs: { n: { type: 'number' } } },
    },
  ],
]

describe('a wrapped output schema', () => {
  test.each(schemas)('takes the wrapped values of what it was, and no others: %s', (_what, outputSchema) => {
    const { outputSchema: wrapped } = legacyItem('tools', { name: 'x', outputSchema })
    if (!isRecord(wrapped)) throw new Error('not wrapped')
    const natural = new Ajv2020({ strict: false }).compile(outputSchema)
    const around = new Ajv2020({ strict: false }).compile(wrapped)
    const numbers = fc.oneof(fc.integer(), fc.array(fc.integer()), fc.array(fc.constant(null)))
    const values = fc.oneof(plain, numbers, fc.constant({ $ref: '#/x' }), fc.record({ $ref: fc.integer() }))
    fc.assert(
      fc.property(values, (value) => {
        expect(around({ result: value })).toBe(natural(value))
        expect(around({ other: value })).toBe(false)
      }),
    )
  })
})

describe('a tool of a legacy server', () => {
  test.each([
    ['nothing else', { taskSupport: 'optional' }, {}],
    ['something else', { taskSupport: 'required', zz: 1 }, { execution: { zz: 1 } }],
  ])('says nothing of the old tasks to a modern client, with %s beside it', (_what, execution, expected) => {
    expect(modernItem('tools', { name: 'x', zz: 2, execution })).toEqual({ name: 'x', zz: 2, ...expected })
  })

  test('is the same object when it never did', () => {
    for (const tool of [{ name: 'x' }, { name: 'x', execution: { zz: 1 } }, { name: 'x', execution: 'odd' }])
      expect(modernItem('tools', tool)).toBe(tool)
  })
})

test('what is no tool is the same object in both eras', () => {
  const item = { name: 'x', outputSchema: true, execution: { taskSupport: 'required' } }
  for (const kind of kinds.filter((one) => one !== 'tools')) {
    expect(legacyItem(kind, item)).toBe(item)
    expect(modernItem(kind, item)).toBe(item)
  }
})
