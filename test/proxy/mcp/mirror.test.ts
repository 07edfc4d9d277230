import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { declarationsOf, decodeHeader, encodeHeader, paramHeaders } from '../../../src/proxy/mcp/mirror.ts'

/** Every string UTF-8 can carry, noise around the sentinel included. */
const value = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('=', '?', 'b', 'base64', ' ', '\t', '\n', '\0', 'A', 'é', '\u{feff}') }),
  fc.string().map((inner) => `=?base64?${inner}?=`),
)

describe('a mirrored value', () => {
  test('survives the way through a header', () => {
    fc.assert(fc.property(value, (text) => decodeHeader(encodeHeader(text)) === text))
  })

  test('is always a field value that HTTP carries unchanged', () => {
    const carried = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/
    fc.assert(fc.property(value, (text) => carried.test(encodeHeader(text))))
  })

  test('is read without its optional white space', () => {
    expect(decodeHeader(' \tus-west1 ')).toBe('us-west1')
  })

  test.each([
    ['us-west1', 'us-west1'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['', '=?base64??='],
  ])('%j travels as %j', (text, header) => {
    expect(encodeHeader(text)).toBe(header)
  })

  test.each(['=?base64?', '=?BASE64?QQ==?=', '?='])('%j is taken for what it is', (text) => {
    expect(decodeHeader(text)).toBe(text)
  })

  test.each(['=?base64?QQ?=', '=?base64?Q Q=?=', '=?base64?!!?=', '=?base64?/w==?=', '=?base64?=', 'é', 'a\u0000b'])(
    '%j is malformed',
    (header) => {
      expect(decodeHeader(header)).toBeUndefined()
    },
  )
})

const region = { type: 'string', 'x-mcp-header': 'Region' }

describe('the declarations of a tool', () => {
  test('are found wherever a chain of properties leads', () => {
    const nested = { type: 'object', properties: { depth: { type: 'integer', 'x-mcp-header': 'Depth' } } }
    const schema = { type: 'object', properties: { region, nested, force: { type: 'boolean', 'x-mcp-header': 'F' } } }
    expect(declarationsOf(schema)).toEqual(
      expect.arrayContaining([
        { header: 'mcp-param-region', path: ['region'], type: 'string' },
        { header: 'mcp-param-depth', path: ['nested', 'depth'], type: 'integer' },
        { header: 'mcp-param-f', path: ['force'], type: 'boolean' },
      ]),
    )
  })

  test.each([
    ['no schema', undefined],
    ['a boolean schema', true],
    ['an argument of that very name', { properties: { 'x-mcp-header': { type: 'string' } } }],
    ['data that looks like one', { properties: { a: { default: region, enum: [region], examples: [region] } } }],
  ])('are none for %s', (_what, schema) => {
    expect(declarationsOf(schema)).toEqual([])
  })

  test.each([
    ['an empty name', { properties: { a: { ...region, 'x-mcp-header': '' } } }],
    ['a name with a space', { properties: { a: { ...region, 'x-mcp-header': 'a b' } } }],
    ['a name with a line break', { properties: { a: { ...region, 'x-mcp-header': 'a\r\nb' } } }],
    ['a name that is no string', { properties: { a: { ...region, 'x-mcp-header': 1 } } }],
    ['a number', { properties: { a: { ...region, type: 'number' } } }],
    ['a list of types', { properties: { a: { ...region, type: ['string', 'null'] } } }],
    ['an object', { properties: { a: { ...region, type: 'object' } } }],
    ['no type', { properties: { a: { 'x-mcp-header': 'A' } } }],
    ['the same name twice', { properties: { a: region, b: { ...region, 'x-mcp-header': 'REGION' } } }],
    ['the root', { ...region }],
    ['a definition', { $defs: { a: region } }],
    ['an item', { properties: { a: { type: 'array', items: region } } }],
    ['an item of a tuple', { properties: { a: { prefixItems: [region] } } }],
    ['a branch', { oneOf: [{ properties: { a: region } }] }],
    ['a condition', { if: { properties: { a: region } } }],
    ['a pattern', { patternProperties: { '^a': region } }],
  ])('are invalid with %s', (_what, schema) => {
    expect(declarationsOf(schema)).toEqual({ invalid: expect.stringContaining('x-mcp-header') })
  })

  test('are looked for in a schema of any depth', () => {
    let schema: object = region
    for (let i = 0; i < 20_000; i++) schema = { properties: { a: schema } }
    expect(declarationsOf(schema)).toHaveLength(1)
  })
})

describe('the headers of a call', () => {
  const declared = (path: readonly string[]) => [{ header: 'mcp-param-a', path, type: 'string' as const }]

  test.each([
    ['a string', 'x y', 'x y'],
    ['an empty string', '', '=?base64??='],
    ['an integer', -7, '-7'],
    ['a boolean', false, 'false'],
    ['a number of the wrong kind', 1.5, '1.5'],
  ])('repeat %s', (_what, a, expected) => {
    expect(paramHeaders(declared(['a']), { a })).toEqual({ 'mcp-param-a': expected })
  })

  test.each([
    ['null', { a: null }],
    ['nothing', {}],
    ['an integer beyond the safe range', { a: 2 ** 53 }],
    ['an object', { a: {} }],
    ['a list', { a: ['x'] }],
    ['no arguments', undefined],
  ])('leave out %s', (_what, args) => {
    expect(paramHeaders(declared(['a']), args)).toEqual({})
  })

  test('reach into objects, but not into what every object has', () => {
    expect(paramHeaders(declared(['a', 'b']), { a: { b: 'x' } })).toEqual({ 'mcp-param-a': 'x' })
    expect(paramHeaders(declared(['constructor', 'name']), { a: 1 })).toEqual({})
  })
})
