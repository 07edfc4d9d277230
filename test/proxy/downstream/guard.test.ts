import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { checkGet, checkPost } from '../../../src/proxy/downstream/content.ts'
import { isDenial } from '../../../src/proxy/downstream/denial.ts'
import { guardOf } from '../../../src/proxy/downstream/guard.ts'
import type { Doors } from '../../../src/proxy/downstream/hosts.ts'
import { bearer } from '../../helpers/group.ts'

const none = { type: 'none' } as const
const closed = bearer('correct-horse', 'battery-staple')

function request(headers: Record<string, string>, url = '/mcp'): IncomingMessage {
  const message = new IncomingMessage(new Socket())
  const whole = { host: '127.0.0.1:7611', ...headers }
  message.url = url
  message.headers = whole
  message.rawHeaders = Object.entries(whole).flat()
  return message
}

function guard(rules: Partial<Doors>) {
  return guardOf({ host: '127.0.0.1', auth: none, allowedHosts: [], allowedOrigins: [], ...rules })
}

/** As for a route that is not public. */
function status(rules: Partial<Doors>, headers: Record<string, string>, url?: string) {
  const { check, gate } = guard(rules)
  const coming = request(headers, url)
  const outcome = check(coming) ?? gate?.admit({ request: coming, server: undefined })
  if (outcome instanceof Promise) throw new Error('the answer was not known at once')
  return outcome && isDenial(outcome) ? outcome.status : 'ok'
}

test.each([
  ['evil.example', 403],
  ['a@localhost', 403],
  ['localhost.', 403],
  ['127.0.0.1.nip.io', 403],
  ['127.0.0.2', 403],
  ['LOCALHOST', 'ok'],
  ['[::1]:7611', 'ok'],
  ['localhost:1', 'ok'],
  ['localhost/evil', 403],
  ['', 403],
  [' ', 403],
])('D-15 D-16: Host %j on loopback is %s', (host, expected) => {
  expect(status({ host: '127.0.0.1', auth: none }, { host })).toBe(expected)
})

test.each([
  ['192.168.1.5', none, '192.168.1.5:7611', 'ok'],
  ['192.168.1.5', none, '192.168.1.6:7611', 403],
  ['0.0.0.0', none, '192.168.1.6:7611', 'ok'],
  ['0.0.0.0', none, 'mcp.lan', 403],
  ['fe80::1', none, '[fe80::1]:7611', 'ok'],
] as const)('bound to %s (%j), Host %s is %s', (host, auth, header, expected) => {
  expect(status({ host, auth }, { host: header })).toBe(expected)
})

test('bound to every interface with a token, any Host goes: the token guards', () => {
  expect(status({ host: '0.0.0.0', auth: closed }, { host: 'mcp.lan', authorization: 'Bearer correct-horse' })).toBe(
    'ok',
  )
  expect(status({ host: '0.0.0.0', auth: closed }, { host: 'mcp.lan' })).toBe(401)
})

test.each([
  ['http://localhost', 'ok'],
  ['http://localhost:3000', 'ok'],
  ['https://127.0.0.1', 'ok'],
  ['http://[::1]:5173', 'ok'],
  ['https://localhost.evil.com', 403],
  ['http://evil.example', 403],
  ['null', 403],
  ['ftp://localhost', 403],
  ['http://localhost/path', 403],
  ['http://user@localhost', 403],
])('D-17: Origin %s is %s', (origin, expected) => {
  expect(status({ host: '127.0.0.1', auth: none }, { origin })).toBe(expected)
})

test.each([
  [{}, 401],
  [{ authorization: 'Bearer correct-horse' }, 'ok'],
  [{ authorization: 'bearer battery-staple' }, 'ok'],
  [{ authorization: 'Bearer correct' }, 401],
  [{ authorization: 'Bearer correct-horse2' }, 401],
  [{ authorization: `Bearer ${'x'.repeat(1_000_000)}` }, 401],
  [{ authorization: 'Basic correct-horse' }, 401],
] as const)('D-21: %j is %s', (headers, expected) => {
  expect(status({ host: '127.0.0.1', auth: closed }, headers)).toBe(expected)
})

test.each([
  [{ 'sec-fetch-site': 'cross-site' }, '/mcp', 403],
  [{ 'sec-fetch-site': 'same-origin' }, '/mcp', 'ok'],
  [{ 'sec-fetch-site': 'same-site' }, '/mcp', 'ok'],
  [{ 'sec-fetch-site': 'none' }, '/mcp', 'ok'],
  [{}, 'http://evil.example/mcp', 403],
  [{}, 'http://evil.example@localhost/mcp', 400],
  [{}, 'http://localhost:7611/mcp', 'ok'],
  [{ host: 'evil.example' }, 'http://localhost/mcp', 403],
  [{}, '*', 400],
  [{}, 'localhost:7611', 400],
] as const)('D-19: with %j, the target %s is %s', (headers, target, expected) => {
  expect(status({}, headers, target)).toBe(expected)
})

test('D-16: no Host and two Hosts are refused', () => {
  const twice = request({})
  twice.rawHeaders.push('Host', 'evil.example')
  const without = request({})
  without.rawHeaders = []
  expect([twice, without].map((one) => guard({}).check(one)?.status)).toEqual([400, 400])
})

test.each([
  ['mcp.example.com', 'ok'],
  ['MCP.example.com:443', 'ok'],
  ['mcp.example.com.', 403],
  ['evil.example', 403],
  ['mcp.example.com.evil.example', 403],
  ['localhost', 'ok'],
] as const)('D-15: with a name listed, Host %s is %s, also on every interface with a token', (host, expected) => {
  const allowedHosts = ['mcp.example.com']
  expect(status({ allowedHosts }, { host })).toBe(expected)
  const headers = { host, authorization: 'Bearer correct-horse' }
  expect(status({ host: '0.0.0.0', auth: closed, allowedHosts }, headers)).toBe(expected)
})

test.each([
  ['https://app.example.com', 'ok'],
  ['https://app.example.com:8443', 403],
  ['http://app.example.com', 403],
  ['https://APP.example.com', 403],
  ['https://app.example.com.evil.example', 403],
  ['null', 403],
  ['http://localhost:1', 'ok'],
] as const)('D-17: with an origin listed, Origin %s is %s', (origin, expected) => {
  expect(status({ allowedOrigins: ['https://app.example.com', 'null'] }, { origin })).toBe(expected)
})

test('D-33: a WebSocket is refused, an offer of HTTP/2 is not taken', () => {
  expect(status({}, { upgrade: 'WebSocket', connection: 'upgrade' })).toBe(400)
  expect(status({}, { upgrade: 'h2c', connection: 'upgrade, http2-settings' })).toBe('ok')
})

const both = 'application/json, text/event-stream'
test.each([
  [{ accept: both, 'content-type': 'application/json' }, 'ok'],
  [{ accept: '*/*', 'content-type': 'application/json; charset=utf-8' }, 'ok'],
  [{ accept: 'application/*, text/*', 'content-type': 'application/json' }, 'ok'],
  [{ 'content-type': 'application/json' }, 406],
  [{ accept: 'application/json', 'content-type': 'application/json' }, 406],
  [{ accept: 'text/event-stream', 'content-type': 'application/json' }, 406],
  [{ accept: both, 'content-type': 'text/plain' }, 415],
  [{ accept: both, 'content-type': 'application/jsonp' }, 415],
  [{ accept: both }, 415],
  [{ accept: both, 'content-type': 'application/json', 'content-encoding': 'gzip' }, 415],
  [{ accept: both, 'content-type': 'application/json', 'content-length': '101' }, 413],
])('D-03 D-05 D-27 D-36: a POST with %j is %s', (headers, expected) => {
  expect(checkPost(request(headers), 100)?.status ?? 'ok').toBe(expected)
})

test('a GET must accept an event stream', () => {
  expect(checkGet(request({ accept: 'application/json' }))?.status).toBe(406)
  expect(checkGet(request({ accept: 'text/event-stream' }))).toBeUndefined()
})

test('who asks is known by the name of the token and a digest of it, where one is needed', () => {
  const of = (token: string) => {
    const coming = request({ authorization: `Bearer ${token}` })
    return guard({ auth: closed }).gate?.admit({ request: coming, server: undefined })
  }
  expect(guard({}).gate).toBeUndefined()
  expect(of('correct-horse')).toMatchObject({ name: '1', principal: expect.stringMatching(/^[\w-]{43}$/) })
  expect(of('battery-staple')).toMatchObject({ name: '2' })
})
