import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findParser, type NodeParserClass } from '../../../../src/proxy/upstream/http1/node-parser.ts'
import { isSound, ResponseParser } from '../../../../src/proxy/upstream/http1/response-parser.ts'

function parserClass(): NodeParserClass {
  const Parser = findParser()
  if (!Parser) throw new Error('this Node has no parser for us')
  return Parser
}

/** What is read of the parts; neighbouring pieces of a body are one. */
function read(parts: readonly Buffer[]): unknown[] {
  const seen: unknown[] = []
  let body = ''
  const parser = new ResponseParser(parserClass(), {
    began: () => seen.push('began'),
    head: ({ status, headers }, isLast) => seen.push({ status, headers: { ...headers }, isLast }),
    body: (bytes) => {
      body += bytes.toString('latin1')
    },
    complete: () => seen.push(body),
  })
  for (const part of parts) parser.read(part)
  parser.close()
  return seen
}

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/)
const value = fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/)
const fields = fc.array(fc.tuple(token, value), { maxLength: 40 })
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const framing = /^(content-length|transfer-encoding|connection|upgrade|keep-alive|te|trailer|proxy-connection)$/i

const response = fc
  .record({
    status: fc.constantFrom(200, 202, 400, 404, 500),
    fields,
    body,
    isChunked: fc.boolean(),
    isInterim: fc.boolean(),
  })
  .map(({ status, fields: all, body: text, isChunked, isInterim }) => {
    const own = all.filter(([name]) => !framing.test(name)).map(([name, said]) => `${name}: ${said}\r\n`)
    const interim = isInterim ? 'HTTP/1.1 102 Processing\r\nx: y\r\n\r\n' : ''
    const start = `${interim}HTTP/1.1 ${status} Reason\r\n${own.join('')}`
    if (!isChunked) return `${start}Content-Length: ${text.length}\r\n\r\n${text}`
    return `${start}Transfer-Encoding: chunked\r\n\r\n${chunked(text)}0\r\nT: 1\r\n\r\n`
  })

function chunked(text: string): string {
  return text.replace(/.{1,7}/gs, (part) => `${part.length.toString(16)}\r\n${part}\r\n`)
}

test('reads the same however the bytes are split', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(response, { minLength: 1, maxLength: 3 }), cuts, (responses, places) => {
      const bytes = Buffer.from(responses.join(''), 'latin1')
      const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
      const parts = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0)
      expect(read(parts)).toEqual(read([bytes]))
      expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(read([bytes]))
    }),
  )
})

test('knows a parser that does what is relied on', () => {
  expect(isSound(parserClass())).toBe(true)
})

test.each([
  ['stops calling', () => {}],
  ['calls with other facts', (parser: object, Parser: NodeParserClass) => shift(parser, Parser.kOnHeadersComplete)],
])('refuses a parser that %s', (_what, spoil) => {
  const Real = parserClass()
  class Odd extends Real {
    override execute(bytes: Buffer): unknown {
      spoil(this, Real)
      return spoil.length === 0 ? 0 : super.execute(bytes)
    }
  }
  expect(isSound(Odd)).toBe(false)
})

test('refuses a parser that does not copy a body', () => {
  const Real = parserClass()
  class Sparing extends Real {
    override execute(bytes: Buffer): unknown {
      const take = this[Real.kOnBody]
      const at = bytes.indexOf('ok')
      this[Real.kOnBody] = () => Reflect.apply(take as () => void, this, [bytes.subarray(at, at + 2)])
      return super.execute(bytes)
    }
  }
  expect(isSound(Sparing)).toBe(false)
})

/** Another fact stands before those we know. */
function shift(parser: object, slot: number): void {
  const callback = Reflect.get(parser, slot)
  Reflect.set(parser, slot, (...facts: unknown[]) => callback('new', ...facts))
}
