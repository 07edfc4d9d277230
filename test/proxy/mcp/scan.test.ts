import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRecord } from '../../../src/proxy/mcp/rpc.ts'
import { endOfObject } from '../../../src/proxy/mcp/scan.ts'

function isOne(text: string): boolean {
  const bytes = Buffer.from(text)
  return endOfObject(bytes, 0) === bytes.length
}

const spaces = fc.constantFrom('', ' ', '\n', '\t\r\n  ')
const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())
const spread = fc.tuple(object, spaces).map(([value, indent]) => JSON.stringify(value, null, indent))

test('every JSON object ends where it does, whatever is behind it, and with anything missing nowhere', () => {
  fc.assert(
    fc.property(spread, fc.constantFrom('}', ',"id":7', '{}', ' ', '"'), fc.nat(), (text, more, at) => {
      expect(isOne(text)).toBe(true)
      const bytes = Buffer.from(text)
      expect(endOfObject(Buffer.from(text + more), 0)).toBe(bytes.length)
      expect(endOfObject(bytes.subarray(0, at % bytes.length), 0)).toBeUndefined()
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
  ['as much nesting as may be', `{"a":${'['.repeat(989)}${']'.repeat(989)}}`, true],
  ['more', `{"a":${'['.repeat(990)}${']'.repeat(990)}}`, false],
])('%s', (_what, text, expected) => {
  expect(isOne(text)).toBe(expected)
})

test('every name of a member is told of', () => {
  const tree = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())
  fc.assert(
    fc.property(tree, spaces, (value, indent) => {
      const bytes = Buffer.from(JSON.stringify(value, null, indent))
      const told = new Set<unknown>()
      endOfObject(bytes, 0, (start, end) => told.add(JSON.parse(`"${bytes.toString('utf8', start, end)}"`)))
      for (const name of namesIn(value)) expect(told).toContain(name)
    }),
  )
})

test('of strings that name nothing none is told of where nothing stands behind them', () => {
  const told: string[] = []
  const bytes = Buffer.from('{"a":"b","c":["d","e"],"f":{"g":"h"}}')
  endOfObject(bytes, 0, (start, end) => told.push(bytes.toString('utf8', start, end)))
  expect(told).toEqual(['a', 'c', 'f', 'g'])
})

function namesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const names = Array.isArray(value) ? [] : Object.keys(value)
  return [...names, ...Object.values(value).flatMap(namesIn)]
}

function isObject(text: string): boolean {
  try {
    return isRecord(JSON.parse(text))
  } catch {
    return false
  }
}
