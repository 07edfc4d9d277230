import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { legacyResponse, legacyText } from '../../../src/proxy/bridge/legacy-response.ts'
import { modernResponse } from '../../../src/proxy/bridge/modern-response.ts'
import { isError, type Params, type RpcResponse } from '../../../src/proxy/mcp/rpc.ts'
import { whole } from '../../../src/proxy/mcp/text.ts'
import { readMessage, withId } from '../../../src/proxy/mcp/verbatim.ts'
import { isUnread } from '../../../src/proxy/mcp/written.ts'
import { crossingOf, exchangeOf, serverInfo } from './fake.ts'

const INFO = `"io.modelcontextprotocol/serverInfo":${JSON.stringify(serverInfo)}`
const TYPE = '"resultType":"complete"'
const LARGE = `"p":"${'ü'.repeat(4096)}",`
const frames = [
  (result: string) => `{"jsonrpc":"2.0","id":7,"result":${result}}`,
  (result: string) => `{"result":${result},"jsonrpc":"2.0","id":7}`,
  (result: string) => `{"result":${result},"id":7,"jsonrpc":"2.0"}`,
]

function read(text: string): RpcResponse {
  return readMessage(Buffer.from(text)) as RpcResponse
}

/** As it is without any text kept. */
function plain(text: string): RpcResponse {
  return JSON.parse(text)
}

function sent(response: RpcResponse): string {
  return whole(withId(response, 'a "}" id'))
}

const call = exchangeOf('legacy', { method: 'tools/call', params: { name: 'tool' } })
const crossing = crossingOf()

function toLegacy(response: RpcResponse): RpcResponse {
  return legacyText(response, call, crossing) ?? legacyResponse(response, call, crossing)
}

function toModern(response: RpcResponse, method = 'tools/call'): RpcResponse {
  return modernResponse(response, exchangeOf('modern', { method }), serverInfo)
}

describe.each([
  ['small', ''],
  ['large', LARGE],
])('a %s result of a legacy server', (size, padding) => {
  test.each(frames)('keeps its text, and says behind it what the modern era wants', (frame) => {
    const text = frame(`{${padding}"n":12345678901234567890,"a":1.0}`)
    const response = toModern(read(text))
    expect(isUnread(response)).toBe(size === 'large')
    expect(sent(response)).toContain(`{${padding}"n":12345678901234567890,"a":1.0,${TYPE},"_meta":{${INFO}}}`)
    expect(JSON.parse(sent(response))).toEqual(JSON.parse(sent(toModern(plain(text)))))
    expect({ ...response }).toEqual(toModern(plain(text)))
  })

  test('of a resource says how fresh it is, too', () => {
    const text = `{"jsonrpc":"2.0","id":7,"result":{${padding}"contents":[]}}`
    const response = toModern(read(text), 'resources/read')
    expect(sent(response)).toContain(`"contents":[],${TYPE},"_meta":{${INFO}},"ttlMs":0,"cacheScope":"private"}`)
  })

  test.each(['"_meta":{"a":1}', '"resultType":"x"', '"result\\u0054ype":"x"', '"_meta":null'])(
    'with %s is written anew, nothing twice',
    (member) => {
      const text = `{"jsonrpc":"2.0","id":7,"result":{${padding}${member}}}`
      expect(sent(toModern(read(text)))).toBe(sent(toModern(plain(text))))
    },
  )
})

test.each(['{}', '{ }', `{${' '.repeat(5000)}}`])('an empty result becomes no broken one: %#', (result) => {
  const text = `{"jsonrpc":"2.0","id":7,"result":${result}}`
  expect(JSON.parse(sent(toModern(read(text))))).toEqual(JSON.parse(sent(toModern(plain(text)))))
})

describe.each([
  ['small', ''],
  ['large', LARGE],
])('a %s result of a modern server', (size, padding) => {
  const members = `${padding}"n":12345678901234567890,"structuredContent":{"a":1.0}`
  test.each([
    ['the type first', `{${TYPE},${members}}`],
    ['the type last', `{${members},${TYPE}}`],
    ['type and name last', `{${members},${TYPE},"_meta":{${INFO}}}`],
    ['the type first, the name last', `{${TYPE},${members},"_meta":{${INFO}}}`],
  ])('loses %s and keeps its text', (_what, result) => {
    for (const frame of frames) {
      const response = toLegacy(read(frame(result)))
      expect(isUnread(response)).toBe(size === 'large')
      expect(sent(response)).toContain(`{${members}}`)
      expect(sent(response)).not.toMatch(/resultType|_meta/)
      expect({ ...response }).toEqual(toLegacy(plain(frame(result))))
    }
  })

  test.each([
    ['its type in the middle', `{"a":1,${TYPE},${members}}`],
    ['its type twice', `{${TYPE},${members},"resultType":"complete"}`],
    ['two types', `{${TYPE},${members},"resultType":"x"}`],
    ['two types, one in escapes', `{${TYPE},${members},"result\\u0054ype":"x"}`],
    ['another type', `{"resultType":"x",${members}}`],
    ['more in its _meta', `{${TYPE},${members},"_meta":{"a":1,${INFO}}}`],
    ['the name of another server', `{${TYPE},${members},"_meta":{"io.modelcontextprotocol/serverInfo":{}}}`],
    ['content that is no object', `{${TYPE},${padding}"structuredContent":[1]}`],
    ['structured content within', `{${TYPE},${padding}"a":{"structuredContent":[1]},"structuredContent":{"b":2}}`],
    ['nothing but its type', `{${TYPE}}`],
    ['no type', `{${members}}`],
  ])('with %s comes to the same as when it is written anew', (_what, result) => {
    for (const frame of frames)
      expect(JSON.parse(sent(toLegacy(read(frame(result)))))).toEqual(JSON.parse(sent(toLegacy(plain(frame(result))))))
  })

  test('is wrapped where the schema its client was shown is', () => {
    const showing = crossingOf(undefined, [{ name: 'tool', outputSchema: { anyOf: [] } }])
    const text = `{"jsonrpc":"2.0","id":7,"result":{${TYPE},${members}}}`
    expect(legacyText(read(text), call, showing)).toBeUndefined()
  })
})

test('whatever the result, it means the same in the other era as when it is written anew', () => {
  const escaped = '"result\\u0054ype"'
  const names = fc.oneof(
    fc.constantFrom('"resultType"', '"_meta"', '"structuredContent"', '"ttlMs"', escaped),
    fc.string().map((name) => JSON.stringify(name)),
  )
  const values = fc.oneof(
    fc.constantFrom('"complete"', '"x"', `{${INFO}}`, `{"a":1,${INFO}}`),
    fc.json({ maxDepth: 2 }),
  )
  const member = fc.tuple(names, values).map(([name, value]) => `${name}:${value}`)
  const results = fc
    .array(fc.oneof(fc.constant(TYPE), member), { maxLength: 5 })
    .chain((members) => fc.boolean().map((isLarge) => `{${isLarge ? LARGE : ''}${members.join(',') || '"z":0'}}`))
  fc.assert(
    fc.property(results, fc.constantFrom(...frames), (result, frame) => {
      const text = frame(result)
      for (const translate of [toLegacy, toModern])
        expect(meaning(sent(translate(read(text))))).toEqual(meaning(sent(translate(plain(text)))))
    }),
    { numRuns: 2000 },
  )
})

function meaning(text: string): Params {
  const response: RpcResponse = JSON.parse(text)
  return isError(response) ? { error: response.error } : response.result
}
