import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventBody, WholeBody } from '../../../src/proxy/upstream/body.ts'
import { LinkFailure } from '../../../src/proxy/upstream/failure.ts'

interface Read {
  readonly data: readonly string[]
  readonly lastId: string | undefined
  readonly retry: number | undefined
}

function read(chunks: readonly Uint8Array[]): Read {
  const data: string[] = []
  const body = new EventBody((one) => data.push(one))
  for (const chunk of chunks) body.chunk(Buffer.from(chunk))
  body.end()
  return { data, lastId: body.lastId, retry: body.retry }
}

const stream = [
  ': a comment',
  'retry: 1500',
  'id: 1',
  'event: message',
  'data: {"ä":"€"}',
  '',
  'event: endpoint',
  'data: not a message',
  '',
  'id: 2',
  'data: {"lines":',
  'data: 2}',
  '',
  'id: 3',
  'data:',
  '',
  '',
]
const expected: Read = { data: ['{"ä":"€"}', '{"lines":\n2}'], lastId: '3', retry: 1500 }

test.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
])('U-30: reads the same events however a stream with %s is split', (_name, newline) => {
  const bytes = Buffer.from(stream.join(newline))
  for (let cut = 0; cut <= bytes.length; cut++)
    expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected)
  expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
})

test('U-30: reads pieces that are whole events as if they came byte by byte', () => {
  const line = fc.constantFrom('\n', '\r\n', '\r')
  const text = fc.constantFrom('{"a":1}', '{"€":"\\u00e4"}', '{', '[1]', '', '\ufeff{}', '{"\u2028":2}')
  const name = fc.constantFrom('', 'event: message', 'event: other', 'id: 7', ':', '\ufeff')
  const event = fc
    .tuple(
      name,
      fc.constantFrom('data: ', 'data:', 'data:  '),
      fc.array(text, { minLength: 1, maxLength: 2 }),
      line,
      line,
    )
    .map(
      ([first, field, texts, one, other]) =>
        [...(first === '' ? [] : [first]), ...texts.map((each) => field + each)].map((each) => each + one).join('') +
        other,
    )
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 4 }), (events) => {
      const pieces = events.map((each) => Buffer.from(each))
      expect(read(pieces)).toEqual(read([...Buffer.concat(pieces)].map((byte) => Uint8Array.of(byte))))
    }),
  )
})

test('U-30: reads the same events for any number of cuts', () => {
  const bytes = Buffer.from(stream.join('\n'))
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: bytes.length })), (cuts) => {
      const places = [...cuts.toSorted((a, b) => a - b), bytes.length]
      expect(read(places.map((end, i) => bytes.subarray(places[i - 1] ?? 0, end)))).toEqual(expected)
    }),
  )
})

test.each([
  ['a byte order mark', '\uFEFFdata: 1\n\n'],
  ['no final blank line', 'data: 1\n'],
  ['no final newline', 'data: 1'],
  ['a carriage return at the very end', 'data: 1\r\r'],
])('U-30: takes an event with %s', (_name, text) => {
  expect(read([Buffer.from(text)]).data).toEqual(['1'])
})

test.each(['-1', 'abc', '1.5', ''])('ignores "retry: %s"', (value) => {
  expect(read([Buffer.from(`retry: ${value}\n\n`)]).retry).toBeUndefined()
})

test('U-30: passes 15.9 MiB in one event and refuses more than 16 MiB', () => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const body = (count: number): Read => read([Buffer.from('data: '), ...Array<Buffer>(count).fill(chunk)])
  expect(body(254).data[0]).toHaveLength(254 * 64 * 1024)
  expect(() => body(257)).toThrow(LinkFailure)
})

test('refuses a body above 16 MiB', () => {
  const body = new WholeBody()
  const mebibyte = Buffer.alloc(1024 * 1024, 'x')
  for (let i = 0; i < 16; i++) body.chunk(mebibyte)
  expect(() => body.chunk(Buffer.from('x'))).toThrow('larger than 16 MiB')
})

test.each([
  ['one piece of the announced length', 5, ['hello']],
  ['two of them', 5, ['hel', 'lo']],
  ['less than announced', 6, ['hello']],
  ['more than announced', 4, ['hell', 'o']],
  ['one piece of unknown length', Number.NaN, ['hello']],
])('a whole body is what came: %s', (_what, announced, pieces) => {
  const body = new WholeBody(announced)
  for (const piece of pieces) body.chunk(Buffer.from(piece))
  expect(body.bytes.toString()).toBe('hello')
})

test('a body that comes in one piece is not copied', () => {
  const piece = Buffer.from('hello')
  const body = new WholeBody(5)
  body.chunk(piece)
  expect(body.bytes.buffer).toBe(piece.buffer)
})
