import fc from 'fast-check'

/** Text that has broken a parser before: line ends of JSON, of events, of nobody; halves of characters; markers. */
const odd = ['', ' ', '\u2028\u2029', '\ud800', '\u0000', '\r\n\r\n', 'data: {}\n\n', '\ufeff', '=?base64?eA==?=', '💥']

export const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(...odd) },
)

/** Any JSON value there is. */
export const anything = fc.oneof(
  { weight: 5, arbitrary: fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, 1e308, 5e-324, Number.MAX_SAFE_INTEGER, '9007199254740993', null) },
)

/** Names of members that something on the way may take for its own, besides arbitrary ones. */
const key = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('x-unknown', '__proto__', 'constructor', 'toString', 'id', 'jsonrpc', 'method', 'then'),
  },
)

/** Members no revision knows. */
export const noise = fc.dictionary(key, anything, { maxKeys: 3, noNullPrototype: true })

/** `_meta` of anything: other people's keys, some of them reserved for tracing, and noise. */
export const meta = fc
  .tuple(
    noise,
    fc.dictionary(fc.constantFrom('com.example/a', 'traceparent', 'baggage', 'ui'), anything, { maxKeys: 2 }),
  )
  .map(([unknown, known]) => ({ ...unknown, ...known }))

export type Shape = Readonly<Record<string, fc.Arbitrary<unknown>>>

/** Something the specification describes, its optional members there or not, with members it does not know. */
export function noisy(required: Shape, optional: Shape = {}): fc.Arbitrary<Record<string, unknown>> {
  const known = fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required), noNullPrototype: true })
  return fc.tuple(noise, known).map(([unknown, record]) => ({ ...unknown, ...record }))
}
