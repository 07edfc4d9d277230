import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRecord } from '../../../src/proxy/mcp/rpc.ts'
import { isOneObject } from '../../../src/proxy/mcp/scan.ts'

function isOne(text: string): boolean {
  const bytes = Buffer.from(text)
  return isOneObject(bytes, 0, bytes.length)
}

const spaces = fc.constantFrom('', ' ', '\n', '\t\r\n  ')
const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())
const spread = fc.tuple(object, spaces).map(([value, indent]) => JSON.stringify(value, null, indent))

test('every JSON object is one, and with anything missing or behind it is none', () => {
  fc.assert(
    fc.property(spread, fc.constantFrom('}', ',"id":7', '{}', ' ', '"'), fc.nat(), (text, more, at) => {
      expect(isOne(text)).toBe(true)
      expect(isOne(text + more)).toBe(false)
      const bytes = Buffer.from(text)
      expect(isOneObject(bytes, 0, at % bytes.length)).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

test('whatever the text, what JSON knows as one object is one, and what is one ends where it must', () => {
  const pieces = ['{', '}', '[', ']', ',', ':', '"', '\\', '\\"', '"a"', '\\\\', `"${'x'.repeat(40)}`, '1', ' ', 'ü']
  const hostile = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(hostile, (middle) => {
      const text = `{${middle}}`
      if (isObject(text)) expect(isOne(text)).toBe(true)
      // No other object that begins here ends earlier.
      for (let end = 1; isOne(text) && end < text.length; end++) expect(isObject(text.slice(0, end))).toBe(false)
    }),
    { numRuns: 5000 },
  )
})

test.each([
  ['a list', '[{}]', false],
  ['braces that do not match', '{"a":[}]', false],
  ['braces in a string', '{"a":"}{][\\"}"}', true],
  ['a long string that ends in backslashes', `{"a":"${'x'.repeat(99)}\\\\"}`, true],
  ['a long string whose last quote is escaped', `{"a":"${'x'.repeat(99)}\\\\\\"}`, false],
  ['an escape across the reach of the eye', `{"a":"${'x'.repeat(31)}\\"}"}`, true],
  ['a thousand lists', `{"a":${'['.repeat(999)}${']'.repeat(999)}}`, true],
  ['more', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, false],
])('%s', (_what, text, expected) => {
  expect(isOne(text)).toBe(expected)
})

function isObject(text: string): boolean {
  try {
    return isRecord(JSON.parse(text))
  } catch {
    return false
  }
}
