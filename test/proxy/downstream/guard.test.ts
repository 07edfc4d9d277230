import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { checkGet, checkPost } from '../../../src/proxy/downstream/content.ts'
import { guardOf } from '../../../src/proxy/downstream/guard.ts'
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

function status(rules: Parameters<typeof guardOf>[0], headers: Record<string, string>, isPublic = false) {
  return guardOf(rules).check(request(headers), { isPublic })?.status ?? 'ok'
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

test('public routes need no token, but the right Host and Origin', () => {
  expect(status({ host: '127.0.0.1', auth: closed }, {}, true)).toBe('ok')
  expect(status({ host: '127.0.0.1', auth: closed }, { host: 'evil.example' }, true)).toBe(403)
  expect(status({ host: '127.0.0.1', auth: closed }, { origin: 'null' }, true)).toBe(403)
})

test('D-19: a cross-site request without Origin and an absolute target are refused', () => {
  expect(status({ host: '127.0.0.1', auth: none }, { 'sec-fetch-site': 'cross-site' })).toBe(403)
  const guard = guardOf({ host: '127.0.0.1', auth: none })
  expect(guard.check(request({}, 'http://evil.example/mcp'), { isPublic: false })?.status).toBe(400)
})

test('two Host headers are refused', () => {
  const twice = request({})
  twice.rawHeaders.push('Host', 'evil.example')
  expect(guardOf({ host: '127.0.0.1', auth: none }).check(twice, { isPublic: false })?.status).toBe(400)
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

test('who asks is known by a digest of the token, where one is needed', () => {
  const of = (auth: typeof none | typeof closed, token: string) =>
    guardOf({ host: '127.0.0.1', auth }).principal(request({ authorization: `Bearer ${token}` }))
  expect(of(none, 'correct-horse')).toBe('')
  expect(of(closed, 'correct-horse')).toMatch(/^[\w-]{43}$/)
  expect(of(closed, 'correct-horse')).not.toBe(of(closed, 'battery-staple'))
})
