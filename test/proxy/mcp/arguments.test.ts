import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { argumentsOf, lineOf, textOf, unreadCall } from '../../../src/proxy/mcp/arguments.ts'
import { isRecord, PARSE_ERROR, type RpcRequest } from '../../../src/proxy/mcp/rpc.ts'
import { whole } from '../../../src/proxy/mcp/text.ts'

const padding = `"p":"${'ü'.repeat(4096)}"`
const exact = `{${padding},"n":12345678901234567890, "a":1.0,"a":2e0}`

function read(text: string): unknown {
  return unreadCall(Buffer.from(text)) ?? JSON.parse(text)
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

function call(params: string, rest = ''): string {
  return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{${params}}${rest}}`
}

describe('the text of large arguments goes on as it came', () => {
  const meta = '"_meta":{"progressToken":"t"}'
  const named = `"name":"x","arguments":${exact}`
  test.each([
    ['the id first', call(named)],
    ['the id last', `{"method":"tools/call","params":{${named}},"jsonrpc":"2.0","id":"7"}`],
    ['_meta', call(`${named},${meta}`)],
    ['_meta first', call(`${meta},${named}`)],
    ['_meta, id last', `{"method":"tools/call","params":{${named},${meta}},"jsonrpc":"2.0","id":7}`],
    ['_meta that looks like more', call(`${named},"_meta":{"a":"}},\\"arguments\\":{}","b":[{"arguments":{}}]}`)],
    ['a name of all languages', call(`"name":"ünïcödé","arguments":${exact},"ü":"ü"`)],
    ['an id of all languages', `{"jsonrpc":"2.0","id":"ü","method":"tools/call","params":{${named}}}`],
    ['a second name in escapes', call(`${named},"\\u006eame":"evil"`)],
    ['two ids', call(named, ',"id":8')],
    ['_meta twice', call(`${named},"_meta":{},"_meta":{"a":1}`)],
    ['spaces around', `${call(named, ' ')}\n`],
  ])('%s', (_what, text) => {
    expect(meaning(text)).toEqual(JSON.parse(text))
    expect(JSON.parse(relayed(text))).toEqual(rewritten(text))
    expect(relayed(text).split(`"arguments":${exact}`)).toHaveLength(2)
  })
})

describe('arguments are written anew', () => {
  const args = `{${padding},"a":1.0}`
  test.each([
    ['when there are two names', call(`"name":"x","arguments":${args},"name":"evil"`)],
    ['when there are two methods', call(`"name":"x","arguments":${args}`, ',"method":"tools/call"')],
    ['when there are two', call(`"name":"x","arguments":{},"arguments":${args}`)],
    ['when there are two in escapes', call(`"name":"x","arguments":${args},"\\u0061rguments":{"a":1.0}`)],
    [
      'when there are parameters twice',
      call(`"name":"x","arguments":${args}`, `,"params":{"name":"evil","arguments":{}}`),
    ],
    ['of something else', call(`"name":"x","arguments":${args}`, ',"method":"prompts/get"')],
    ['that are none', call(`"_meta":{"arguments":${args}},"name":"x"`)],
    ['that are no object', call(`"name":"x","arguments":[${args}]`)],
    ['with much behind them', call(`"name":"x","arguments":${args},"_meta":{"a":"${'x'.repeat(2000)}"}`)],
    ['with much before them', call(`"_meta":{"a":"${'x'.repeat(2000)}"},"name":"x","arguments":${args}`)],
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

describe('on a pipe', () => {
  const written = (args: string) => whole(lineOf(read(call(`"name":"x","arguments":${args}`)) as RpcRequest))

  test('large arguments keep their text', () => {
    expect(written(exact)).toContain(`"arguments":${exact}`)
  })

  test('arguments of several lines become one', () => {
    expect(written(`{${padding},\n"a":\r1.0}`)).toBe(call(`"name":"x","arguments":{${padding},"a":1}`))
  })

  test.each([
    ['a colon missing', `{${padding},"a" 1}`],
    ['a line break in a string', `{${padding},"a":"\n"}`],
    ['another message inside', `{${padding},{"jsonrpc":"2.0"}}`],
  ])('arguments that are no JSON do not get there: %s', (_what, args) => {
    expect(() => written(args)).toThrow(expect.objectContaining({ code: PARSE_ERROR }))
  })
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
      if (expected === undefined) return
      expect(JSON.parse(relayed(request))).toEqual(rewritten(request))
      expect(JSON.parse(whole(lineOf(read(request) as RpcRequest)))).toEqual(expected)
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
