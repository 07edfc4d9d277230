import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Id, RpcResponse } from '../../../src/proxy/mcp/rpc.ts'
import { whole } from '../../../src/proxy/mcp/text.ts'
import { parseMessage, readMessage, withId } from '../../../src/proxy/mcp/verbatim.ts'

function relayed(text: string, id: Id, bytes?: Buffer): string {
  return whole(withId((bytes ? readMessage(bytes) : parseMessage(text)) as RpcResponse, id))
}

/** As it would be without any text kept. */
function rewritten(text: string, id: Id): unknown {
  return { ...JSON.parse(text), id }
}

const padding = 'ü'.repeat(4096)

describe('the text of a result goes on with nothing changed but its id', () => {
  test.each([
    ['the id first', '{"jsonrpc":"2.0","id":', ',"result":{"n":12345678901234567890, "a":1.0,"a":2e0}}'],
    ['the id last', '{"result":{"n":12345678901234567890, "a":1.0,"a":2e0},"jsonrpc":"2.0","id":', '}'],
    ['the version last', '{"result":{"n":-0,"__proto__":{"x":1}},"id":', ',"jsonrpc":"2.0"}'],
    ['an empty result', '{"jsonrpc":"2.0","id":', ',"result":{}}'],
    ['lookalikes inside', '{"jsonrpc":"2.0","id":', ',"result":{"jsonrpc":"2.0","id":7,"result":{"id":8}}}'],
    ['lookalikes in strings', '{"result":{"a":"}},\\"id\\":9}"},"jsonrpc":"2.0","id":', '}'],
    ['large text', '{"jsonrpc":"2.0","id":', `,"result":{"a":"${padding}"}}`],
    ['large text, the id last', `{"result":{"a":"${padding}"},"jsonrpc":"2.0","id":`, '}'],
  ])('%s', (_what, before, after) => {
    const text = `${before}7${after}`
    expect(parseMessage(text)).toEqual(JSON.parse(text))
    for (const id of [42, 'a "quoted" ü'] as const) {
      const expected = `${before}${JSON.stringify(id)}${after}`
      expect(relayed(text, id)).toBe(expected)
      expect(relayed(text, id, Buffer.from(text))).toBe(expected)
      expect(relayed(`${text}\r\n`, id, Buffer.from(`${text}\r\n`))).toBe(expected)
    }
  })
})

describe('what only looks like a plain result is written anew', () => {
  test.each([
    ['a second id behind the result', '{"jsonrpc":"2.0","id":7,"result":{},"id":7,"result":{}}'],
    ['a second id, spelled with an escape', '{"jsonrpc":"2.0","id":7,"result":{},"\\u0069d":7}'],
    ['a second result', '{"result":{},"result":{"a":1},"jsonrpc":"2.0","id":7}'],
    ['two versions', '{"result":{},"jsonrpc":"2.0","id":7,"jsonrpc":"2.0"}'],
    ['an unknown member', '{"jsonrpc":"2.0","id":7,"result":{},"x":{}}'],
    ['no version', '{"result":{},"id":7}'],
    ['spaces', '{ "jsonrpc":"2.0","id":7,"result":{}}'],
    ['an error', '{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}'],
    ['a result that is none', '{"jsonrpc":"2.0","id":7,"result":[{}]}'],
    ['an id as text', '{"jsonrpc":"2.0","id":"7","result":{}}'],
    ['an id with a fraction', '{"jsonrpc":"2.0","id":7.0,"result":{}}'],
    ['line breaks between tokens', '{"jsonrpc":"2.0","id":7,"result":{\n"a":\r1}}'],
  ])('%s', (_what, text) => {
    expect(parseMessage(text)).toEqual(JSON.parse(text))
    expect(relayed(text, 42)).toBe(JSON.stringify(rewritten(text, 42)))
  })

  test('bytes that are no UTF-8', () => {
    const bytes = Buffer.from(`{"jsonrpc":"2.0","id":7,"result":{"a":"${padding}\xff"}}`, 'latin1')
    expect(relayed(bytes.toString(), 42, bytes)).toBe(JSON.stringify(rewritten(bytes.toString(), 42)))
  })

  test('a copy with something changed', () => {
    const response = parseMessage('{"jsonrpc":"2.0","id":7,"result":{"a":1}}') as RpcResponse
    expect(withId({ ...response, result: { a: 2 } }, 42)).toBe('{"jsonrpc":"2.0","id":42,"result":{"a":2}}')
  })
})

test.each(['{', '{"jsonrpc":"2.0","id":7,"result":{}', '{"jsonrpc":"2.0","id":07,"result":{}}', '{"result":{}}}', ''])(
  'what is no JSON is none here either: %s',
  (text) => {
    expect(() => parseMessage(text)).toThrow(SyntaxError)
  },
)

test('whatever the text, it means the same as when it is written anew', () => {
  const members = ['"jsonrpc":"2.0"', '"id":7', '"\\u0069d":7', '"id":8', '"result":', '"x":', '"error":']
  const pieces = ['{', '}', '[', ']', ',', ' ', '\n', '"', '\\"', '{}', '{"a":1}', '"__proto__":{}', '7', 'null']
  const hostile = fc.array(fc.constantFrom(...members, ...pieces), { maxLength: 12 }).map((parts) => parts.join(''))
  const json = fc.json({ maxDepth: 3 })
  const framedText = fc
    .tuple(fc.constantFrom('{"jsonrpc":"2.0","id":7,"result":', '{"result":'), fc.oneof(json, hostile))
    .chain(([before, middle]) =>
      fc
        .constantFrom('}', ',"jsonrpc":"2.0","id":7}', ',"id":7,"jsonrpc":"2.0"}', ',"id":7}', '}\n')
        .map((after) => `${before}${middle}${after}`),
    )
  fc.assert(
    fc.property(framedText, fc.oneof(fc.integer(), fc.string()), (text, id) => {
      const expected = attempt(() => JSON.parse(text))
      expect(attempt(() => parseMessage(text))).toEqual(expected)
      if (expected === undefined || typeof expected !== 'object' || expected === null) return
      const out = relayed(text, id)
      expect(out).not.toMatch(/[\n\r]/)
      expect(JSON.parse(out)).toEqual(rewritten(text, id))
      expect(idsIn(out)).toBeLessThanOrEqual(idsIn(text) + 1)
    }),
    { numRuns: 5000 },
  )
})

/** However spelled. */
const idsIn = (text: string) => text.match(/"(?:i|\\u0069)d"/g)?.length ?? 0

function attempt(make: () => unknown): unknown {
  try {
    return make()
  } catch {
    return undefined
  }
}
