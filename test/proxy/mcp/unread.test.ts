import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMessage, type RpcMessage, type RpcResponse } from '../../../src/proxy/mcp/rpc.ts'
import { whole } from '../../../src/proxy/mcp/text.ts'
import { readMessage, withId } from '../../../src/proxy/mcp/verbatim.ts'
import { isUnread } from '../../../src/proxy/mcp/written.ts'

const padding = `"p":"${'ü'.repeat(4096)}"`

function message(result: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":7,"result":${result}}`)
}

function read(result: string): RpcMessage {
  const value = readMessage(message(result))
  if (isMessage(value)) return value
  throw new Error('no message')
}

/** Every letter. */
function escaped(name: string): string {
  return [...name].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')
}

test('a large result is left unread, and still is what it is for whoever reads it', () => {
  const response = read(`{${padding},"content":[]}`)
  expect(isUnread(response)).toBe(true)
  expect({ ...response }).toEqual(JSON.parse(message(`{${padding},"content":[]}`).toString()))
  expect(isUnread(response)).toBe(false)
})

test.each([
  ['escapes in a text', '"content":[{"type":"text","text":"\\u001b[1m\\u0075ri"}]'],
  ['words for what is to be read, as values', '"content":["uri","task"],"resultType":"task"'],
  ['texts that look like members', '"text":"{\\"uri\\":\\"file:///a\\"}"'],
])('a result with %s is left unread', (_what, member) => {
  expect(isUnread(read(`{${padding},${member}}`))).toBe(true)
})

test.each([
  ['points to a resource', '"content":[{"type":"resource_link","uri":"file:///a"}]'],
  ['says so in escapes', '"content":[{"type":"resource_link","\\u0075ri":"file:///a"}]'],
  ['has spaces before the colon', '"content":[{"uri" : "file:///a"}]'],
  ['points to a user interface', '"_meta":{"ui/resourceUri":"ui://a"}'],
  ['points to one with an escaped slash', '"_meta":{"ui\\/resourceUri":"ui://a"}'],
  ['points to one, all of it in escapes', `"_meta":{"ui":{"${escaped('resourceUri')}":"ui://a"}}`],
  ['points to one in the new form', '"_meta":{"ui":{"resourceUri":"ui://a"}}'],
  ['is a task', '"task":{"taskId":"t"}'],
  ['is a task of the modern era', '"resultType":"task","taskId":"t"'],
])('what %s is read', (_what, member) => {
  expect(isUnread(read(`{${padding},${member}}`))).toBe(false)
})

describe('what is not JSON', () => {
  test('in a place nobody reads goes on as it came', () => {
    const bytes = message(`{${padding},"a":"\t\\q",1}`)
    const response = readMessage(bytes) as RpcResponse
    expect(whole(withId(response, 42))).toBe(bytes.toString().replace('"id":7', '"id":42'))
    expect(() => ({ ...response })).toThrow('not JSON')
  })

  test.each([
    ['where it has to be read', `{${padding},"uri":"a",1}`],
    ['with several lines', `{${padding},\n1}`],
    ['with an end missing', `{${padding}`],
  ])('%s is refused', (_what, result) => {
    expect(() => readMessage(message(result))).toThrow(SyntaxError)
  })
})

test('whatever the result, it means the same under another id', () => {
  const members = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()).map((value) => JSON.stringify(value))
  fc.assert(
    fc.property(members, fc.boolean(), (text, isLate) => {
      const result = text === '{}' ? `{${padding}}` : `${text.slice(0, -1)},${padding}}`
      const bytes = isLate ? Buffer.from(`{"result":${result},"jsonrpc":"2.0","id":7}`) : message(result)
      const relayed = whole(withId(readMessage(bytes) as RpcResponse, 'x'))
      expect(JSON.parse(relayed)).toEqual({ ...JSON.parse(bytes.toString()), id: 'x' })
      expect(relayed).toContain(result)
    }),
    { numRuns: 500 },
  )
})
