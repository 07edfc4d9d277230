import { expect, test } from 'vitest'
import { unreadCall } from '../../../src/proxy/mcp/arguments.ts'
import { PARSE_ERROR } from '../../../src/proxy/mcp/rpc.ts'
import { interpret, retryAfter } from '../../../src/proxy/upstream/answer.ts'
import { LinkFailure } from '../../../src/proxy/upstream/failure.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const call = { jsonrpc: '2.0', id: 7, method: 'tools/call' } as const
const initialize = { ...call, method: 'initialize' } as const
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' } as const
const json = { 'content-type': 'application/json; charset=utf-8' }

test.each([
  ['3', 3000],
  ['Thu, 01 Jan 2026 00:00:20 GMT', 20_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 1000],
  ['-5', 1000],
  ['0', 1000],
  ['999999999999', 600_000],
  ['1e12', 600_000],
  ['x', undefined],
  [undefined, undefined],
])('U-24: reads "Retry-After: %s" as %s ms', (value, expected) => {
  expect(retryAfter(value, NOW)).toBe(expected)
})

test.each([
  { title: '502 with HTML', status: 502, headers: { 'content-type': 'text/html' }, kind: 'unreachable' },
  { title: '200 with HTML', status: 200, headers: { 'content-type': 'text/html' }, kind: 'broken' },
  { title: 'an empty 200', status: 200, headers: json, kind: 'broken' },
  { title: '204', status: 204, headers: {}, kind: 'broken' },
  { title: 'a redirect', status: 302, headers: { location: 'https://elsewhere.test/' }, kind: 'hopeless' },
  { title: 'JSON that is none', status: 200, headers: json, text: '{"jsonrpc"', kind: 'broken' },
  { title: '401', status: 401, headers: {}, kind: 'unauthorized' },
  { title: '403', status: 403, headers: {}, kind: 'forbidden' },
  { title: '404 in a session', status: 404, headers: {}, inSession: true, kind: 'session' },
  { title: '404 without a session', status: 404, headers: {}, kind: 'broken' },
  { title: '404 to initialize', status: 404, headers: {}, message: initialize, kind: 'unsuitable' },
  { title: '405 to initialize', status: 405, headers: {}, message: initialize, kind: 'unsuitable' },
  { title: '429', status: 429, headers: { 'retry-after': '3' }, kind: 'busy' },
  { title: '503', status: 503, headers: {}, kind: 'busy' },
  {
    title: '400 about the session, as some servers say after a restart',
    status: 400,
    headers: json,
    text: '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}',
    inSession: true,
    isModern: false,
    kind: 'session',
  },
])('U-25: takes $title for "$kind"', ({ status, headers, text = '', inSession = false, message = call, kind }) => {
  let seen: unknown
  try {
    interpret({ message, head: { status, headers }, bytes: Buffer.from(text), inSession, isModern: false })
  } catch (error) {
    seen = error instanceof LinkFailure ? error.kind : error
  }
  expect(seen).toBe(kind)
})

test('passes a JSON-RPC error for this very request, whatever the status says', () => {
  const error = { jsonrpc: '2.0', id: 7, error: { code: -32602, message: 'no' } }
  const received = {
    message: call,
    head: { status: 400, headers: json },
    bytes: Buffer.from(JSON.stringify(error)),
    inSession: true,
    isModern: false,
  }
  expect(interpret(received)).toEqual(error)
})

test.each([200, 202, 204])('takes %s for a notification as accepted', (status) => {
  expect(
    interpret({
      message: notification,
      head: { status, headers: {} },
      bytes: Buffer.alloc(0),
      inSession: true,
      isModern: false,
    }),
  ).toBeUndefined()
})

test.each([
  ['with a page', 400, '<html>SyntaxError</html>'],
  ['with words about the session', 400, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"no session"},"id":null}'],
  ['by failing', 500, ''],
])('arguments that are no JSON are the client’s fault when a server refuses them %s', (_how, status, text) => {
  const broken = `{"p":"${'x'.repeat(5000)}","a" 1}`
  const request = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":${broken}}}`
  const message = unreadCall(Buffer.from(request)) ?? call
  const headers = text.startsWith('<') ? { 'content-type': 'text/html' } : json
  const received = { message, head: { status, headers }, bytes: Buffer.from(text), inSession: true, isModern: false }
  expect(() => interpret(received)).toThrow(expect.objectContaining({ code: PARSE_ERROR }))
})
