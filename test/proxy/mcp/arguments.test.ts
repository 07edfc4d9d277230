import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { argumentsOf, parseRequest, textOf } from '../../../src/proxy/mcp/arguments.ts'
import { isRecord, type RpcRequest } from '../../../src/proxy/mcp/rpc.ts'
import { whole } from '../../../src/proxy/mcp/text.ts'

const padding = `"p":"${'ü'.repeat(4096)}"`
const exact = `{${padding},"n":12345678901234567890, "a":1.0,"a":2e0}`

function read(text: string): unknown {
  return parseRequest(text, Buffer.from(text))
}

/** What it stands for, whether its arguments are kept or not. */
function meaning(text: string): unknown {
  const request = read(text)
  if (!isRecord(request) || !isRecord(request.params)) return request
  const args = argumentsOf(request.params)
  return args === undefined ? request : { ...request, params: { ...request.params, arguments: args } }
}

/** As it goes on to a server: another id, another name, and the arguments untouched. */
function relayed(text: string): string {
  const request = read(text) as RpcRequest
  return whole(textOf({ ...request, id: 1, params: { ...request.params, name: 'own' } }))
}

function rewritten(text: string): unknown {
  const request = JSON.parse(text)
  return { ...request, id: 1, params: { ...request.params, name: 'own' } }
}

describe('the text of large arguments goes on as it came', () => {
  const meta = ',"_meta":{"progressToken":"t"}'
  test.each([
    ['the id first', `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":${exact}}}`, ''],
    ['the id last', `{"method":"tools/call","params":{"name":"x","arguments":${exact}},"jsonrpc":"2.0","id":"7"}`, ''],
    ['_meta', `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":${exact}${meta}}}`, meta],
    [
      '_meta, id last',
      `{"method":"tools/call","params":{"name":"x","arguments":${exact}${meta}},"jsonrpc":"2.0","id":7}`,
      meta,
    ],
  ])('%s', (_what, text, behind) => {
    expect(meaning(text)).toEqual(JSON.parse(text))
    const parts = relayed(text).split(`"params":{"name":"own","arguments":${exact}${behind}}`)
    expect(parts).toHaveLength(2)
    expect(JSON.parse(parts.join('"params":0'))).toEqual({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: 0 })
  })
})

describe('arguments are written anew', () => {
  const call = (params: string, rest = '') =>
    `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{${params}}${rest}}`
  const args = `{${padding},"a":1.0}`
  test.each([
    ['with a second name behind them', call(`"name":"x","arguments":${args},"name":"evil"`)],
    ['with a second name in escapes', call(`"name":"x","arguments":${args},"\\u006eame":"evil"`)],
    ['when there are two', call(`"name":"x","arguments":{},"arguments":${args}`)],
    [
      'when there are parameters twice',
      call(`"name":"x","arguments":${args}`, `,"params":{"name":"evil","arguments":{}}`),
    ],
    ['with two ids', call(`"name":"x","arguments":${args}`, ',"id":8')],
    ['with _meta twice', call(`"name":"x","arguments":${args},"_meta":{},"_meta":{"a":1}`)],
    ['of several lines', call(`"name":"x","arguments":{${padding},\n"a":1.0}`)],
    [
      'of a modern client',
      call(`"name":"x","arguments":${args},"_meta":{"io.modelcontextprotocol/protocolVersion":"v"}`),
    ],
    ['when they are few', call('"name":"x","arguments":{"a":1.0}')],
  ])('%s', (_what, text) => {
    expect(meaning(text)).toEqual(JSON.parse(text))
    expect(relayed(text)).toBe(JSON.stringify(rewritten(text)))
  })

  test('that somebody has changed', () => {
    const request = read(call(`"name":"x","arguments":${args}`)) as RpcRequest
    const changed = { ...request, params: { name: 'x', arguments: { a: 2 } } }
    expect(textOf(changed)).toBe(JSON.stringify(changed))
  })
})

test.each([
  ['a name', `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"ünïcödé","arguments":${exact}}}`],
  ['an id', `{"jsonrpc":"2.0","id":"ü","method":"tools/call","params":{"name":"x","arguments":${exact}}}`],
])('%s of more than one byte a character moves nothing', (_what, text) => {
  expect(JSON.parse(relayed(text))).toEqual(rewritten(text))
})

test('whatever the text, it means the same as when it is written anew', () => {
  const pieces = [
    '{',
    '}',
    ',',
    ' ',
    '"',
    '{}',
    '"a":1',
    '"_meta":{}',
    ',"_meta":',
    '"arguments":{}',
    '"name":"e"',
    '7',
  ]
  const hostile = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join(''))
  const body = fc.oneof(
    fc.json({ maxDepth: 2 }),
    hostile,
    fc.dictionary(fc.string(), fc.jsonValue()).map((o) => JSON.stringify(o)),
  )
  const name = fc.string({ unit: 'grapheme' }).map((some) => JSON.stringify(some))
  const text = fc.tuple(body, hostile, fc.boolean(), name).map(([args, more, isEarly, tool]) => {
    const params = `"params":{"name":${tool},"arguments":{${padding},"b":${args}}${more}}`
    return isEarly
      ? `{"jsonrpc":"2.0","id":7,"method":"tools/call",${params}}`
      : `{"method":"tools/call",${params},"jsonrpc":"2.0","id":7}`
  })
  fc.assert(
    fc.property(text, (request) => {
      const expected = attempt(() => JSON.parse(request))
      expect(attempt(() => meaning(request))).toEqual(expected)
      if (expected !== undefined) expect(JSON.parse(relayed(request))).toEqual(rewritten(request))
    }),
    { numRuns: 2000 },
  )
})

function attempt(make: () => unknown): unknown {
  try {
    return make()
  } catch {
    return undefined
  }
}
