import fc from 'fast-check'
import { expect, test } from 'vitest'
import { count, duration, jsonObject, keyValues } from '../../cli/values.ts'

test.each([
  ['500ms', 500],
  ['60s', 60_000],
  ['1m30s', 90_000],
  ['1.5s', 1500],
])('reads %s as %d ms', (text, ms) => expect(duration(text)).toBe(ms))

test.each(['60', '', 's', '1x', '-1s', '1 s'])('refuses "%s" as a duration', (text) => {
  expect(() => duration(text)).toThrow(expect.objectContaining({ code: 'usage' }))
})

test.each([
  ['0', 0],
  ['42', 42],
])('reads %s as a count', (text, value) => expect(count(text)).toBe(value))

test.each(['-1', '1.5', 'ten', ''])('refuses "%s" as a count', (text) =>
  expect(() => count(text)).toThrow(/whole number/),
)

test.each([
  ['k=v', { k: 'v' }],
  ['k=', { k: '' }],
  ['k=a=b', { k: 'a=b' }],
  ['k=1', { k: '1' }],
  ['k:=1', { k: 1 }],
  ['k:=-1.5', { k: -1.5 }],
  ['k:=true', { k: true }],
  ['k:=["a"]', { k: ['a'] }],
  ['k:="x"', { k: 'x' }],
  ['a.b=c', { 'a.b': 'c' }],
  ['url=http://x/?a=b', { url: 'http://x/?a=b' }],
  ['a:b=c', { 'a:b': 'c' }],
  ['text=two\nlines', { text: 'two\nlines' }],
])('reads the argument %s', (pair, expected) => expect(keyValues([pair])).toEqual(expected))

test.each(['novalue', '=v', 'k:={', ''])('refuses the argument "%s" as usage', (pair) => {
  expect(() => keyValues([pair])).toThrow(expect.objectContaining({ code: 'usage' }))
})

test('any JSON value comes through k:=json unchanged', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(keyValues([`k:=${JSON.stringify(value)}`])).toEqual({ k: JSON.parse(JSON.stringify(value)) })
    }),
  )
})

test('any text comes through k=text unchanged', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(keyValues([`k=${text}`])).toEqual({ k: text })
    }),
  )
})

test.each(['[]', '1', 'null', '"x"', '{'])('refuses --args %s: arguments are an object', (text) => {
  expect(() => jsonObject(text)).toThrow(expect.objectContaining({ code: 'usage' }))
})
