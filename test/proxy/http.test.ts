import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, groupOf, stdioServer } from '../helpers/group.ts'
import { messages, post, rawSession } from '../helpers/mcp.ts'
import { configure, type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string

beforeAll(async () => {
  socket = await holdSocket()
  const group = groupOf([stdioServer('one', 'all-features')], { limits: { maxBody: 100_000, maxSessions: 1000 } })
  proxy = await startReadyProxy({ group, socket })
  url = `${proxy.url}/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** Sends bytes as they are and resolves with the status line. */
async function raw(text: string): Promise<string> {
  const connection = connectTcp(socket.port, socket.host)
  connection.write(text)
  const [chunk] = await once(connection, 'data')
  connection.destroy()
  return String(chunk).split('\r\n', 1)[0] ?? ''
}

test('D-23: every route but the probes refuses a bad Host and a bad Origin', async () => {
  for (const path of ['/mcp', '/servers/one/mcp', '/livez', '/readyz', '/nope'])
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
      for (const header of ['Host: evil.example', `Host: ${socket.host}\r\nOrigin: http://evil.example`])
        expect(await raw(`${method} ${path} HTTP/1.1\r\n${header}\r\n\r\n`)).toBe('HTTP/1.1 403 Forbidden')
})

test('D-21 D-23: with a token, every route but the probes needs it, and a reload can take it away', async () => {
  using own = await holdSocket()
  const closed = groupOf([], { auth: bearer('correct-horse') })
  await using small = await startReadyProxy({ group: closed, socket: own, start: { secrets: ['correct-horse'] } })
  const get = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${small.url}${path}`, { headers: { accept: 'text/event-stream', ...headers } })).status
  const all = (headers?: Record<string, string>) =>
    Promise.all(['/mcp', '/servers/a/mcp', '/nope', '/livez', '/readyz'].map((path) => get(path, headers)))
  expect(await all()).toEqual([401, 401, 401, 200, 200])
  expect(await all({ authorization: 'Bearer wrong' })).toEqual([401, 401, 401, 200, 200])
  expect(await get('/mcp?token=correct-horse')).toBe(401)
  expect(await all({ authorization: 'Bearer correct-horse' })).toEqual([400, 404, 404, 200, 200])
  await configure(small, groupOf([]))
  await expect.poll(() => get('/mcp')).toBe(400)
})

test('D-18: a loopback page gets its own origin back, a foreign one nothing', async () => {
  const preflight = (origin: string) => fetch(url, { method: 'OPTIONS', headers: { origin } })
  const good = await preflight('http://localhost:6274')
  expect([good.status, good.headers.get('access-control-allow-origin')]).toEqual([204, 'http://localhost:6274'])
  const bad = await preflight('http://evil.example')
  expect([bad.status, bad.headers.get('access-control-allow-origin')]).toEqual([403, null])
})

test('a page may send every field the protocol has, and those that mirror parameters', async () => {
  const asked = 'content-type, Last-Event-ID, mcp-method, Mcp-Param-Region, mcp-param-a b, x-other'
  const headers = { origin: 'http://localhost:6274', 'access-control-request-headers': asked }
  const response = await fetch(url, { method: 'OPTIONS', headers })
  const allowed = response.headers.get('access-control-allow-headers')?.split(', ')
  const needed = ['last-event-id', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name']
  expect(allowed).toEqual(expect.arrayContaining([...needed, 'mcp-param-region']))
  expect(allowed).not.toContain('x-other')
  expect(allowed).not.toContain('mcp-param-a b')
})

test('a page may ask whether it may ask without a token, which browsers do not send then', async () => {
  using own = await holdSocket()
  const closed = groupOf([], { auth: bearer('correct-horse') })
  await using small = await startReadyProxy({ group: closed, socket: own, start: { secrets: ['correct-horse'] } })
  const preflight = async (path: string, origin: string) =>
    (await fetch(`${small.url}${path}`, { method: 'OPTIONS', headers: { origin } })).status
  expect(await preflight('/mcp', 'http://localhost:6274')).toBe(204)
  expect(await preflight('/mcp', 'http://evil.example')).toBe(403)
  expect(await preflight('/nope', 'http://localhost:6274')).toBe(401)
})

test('the probes say a word and nothing else', async () => {
  for (const path of ['/livez', '/readyz']) {
    const response = await fetch(`${proxy.url}${path}`)
    expect([response.status, await response.text()]).toEqual([200, 'ok\n'])
  }
})

test.each([
  ['an unknown path', '/nope', ping, {}, 404],
  ['an unknown server', '/servers/nope/mcp', ping, {}, 404],
  ['no session id', '/mcp', ping, {}, 400],
  ['an unknown session id', '/mcp', ping, { 'mcp-session-id': 'nope' }, 404],
  ['an enormous session id', '/mcp', ping, { 'mcp-session-id': 'x'.repeat(9000) }, 404],
  ['invalid JSON', '/mcp', '{', {}, 400],
  ['an empty body', '/mcp', '', {}, 400],
  ['a body nested 100,000 deep', '/mcp', '['.repeat(45_000) + ']'.repeat(45_000), {}, 400],
  ['a body over the limit', '/mcp', JSON.stringify('x'.repeat(100_000)), {}, 413],
  ['a compressed body', '/mcp', ping, { 'content-encoding': 'gzip' }, 415],
  ['another type', '/mcp', ping, { 'content-type': 'text/plain' }, 415],
  ['JSON only accepted', '/mcp', ping, { accept: 'application/json' }, 406],
  ['an unknown version', '/mcp', ping, { 'mcp-protocol-version': '1999-01-01' }, 400],
])('a POST with %s is refused', async (_what, path, body, headers, status) => {
  const response = await post(`${proxy.url}${path}`, body, headers)
  const answer = await response.json()
  expect(response.status).toBe(status)
  expect(answer).toEqual({ jsonrpc: '2.0', error: { code: expect.any(Number), message: expect.any(String) } })
})

test.each([
  ['the head of the modern era', ping, { 'mcp-protocol-version': '2026-07-28' }],
  ['server/discover', { ...ping, method: 'server/discover', params: {} }, {}],
])('a POST with %s and no envelope is refused under its own id', async (_what, body, headers) => {
  const response = await post(url, body, headers)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ id: 1, error: { code: expect.any(Number) } })
})

test('a body without length is cut at the limit', async () => {
  const connection = connectTcp(socket.port, socket.host)
  connection.write(`POST /mcp HTTP/1.1\r\nHost: ${socket.host}\r\nContent-Type: application/json\r\nAccept: */*\r\n`)
  connection.write('Transfer-Encoding: chunked\r\n\r\n')
  connection.write(`1ffff\r\n${'x'.repeat(0x1ffff)}\r\n`)
  const [chunk] = await once(connection, 'data')
  expect(String(chunk)).toMatch(/^HTTP\/1.1 413 /)
  connection.destroy()
})

test.each([
  ['that says its length', ''],
  ['without length', 'chunked'],
])('a client that sends all of a body over the limit %s reads why it is refused', async (_what, coding) => {
  const size = 8 * 1024 * 1024
  const length = coding === '' ? `Content-Length: ${size}` : `Transfer-Encoding: ${coding}`
  const head = `POST /mcp HTTP/1.1\r\nHost: ${socket.host}\r\nContent-Type: application/json\r\nAccept: */*\r\n${length}\r\n\r\n`
  const body =
    coding === ''
      ? Buffer.alloc(size)
      : Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.alloc(size), Buffer.from('\r\n0\r\n\r\n')])
  const connection = connectTcp(socket.port, socket.host)
  connection.pause()
  connection.write(head)
  await new Promise((resolve, reject) => {
    connection.once('error', reject)
    connection.write(body, (error) => (error ? reject(error) : resolve(undefined)))
  })
  expect(await text(connection)).toMatch(/^HTTP\/1.1 413 /)
})

test('bytes that are not UTF-8 are refused', async () => {
  const body = new Uint8Array([0x22, 0xff, 0x22])
  const headers = { 'content-type': 'application/json', accept: '*/*' }
  expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(400)
})

test.each(['PUT', 'PATCH', 'TRACE'])('D-33: %s is not allowed', async (method) => {
  expect(await raw(`${method} /mcp HTTP/1.1\r\nHost: ${socket.host}\r\n\r\n`)).toMatch(/405|400/)
})

test('D-26: what could be read in two ways is refused before anything is served', async () => {
  const head = `POST /mcp HTTP/1.1\r\nHost: ${socket.host}\r\n`
  expect(await raw(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`)).toMatch(/400/)
  expect(await raw(`${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`)).toMatch(/400/)
  expect(await raw(`${head}${Array.from({ length: 120 }, (_, i) => `X-${i}: 1\r\n`).join('')}\r\n`)).toMatch(/431/)
  expect(await raw(`${head}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/431/)
})

test('notifications and responses are accepted with 202 and nothing in it', async () => {
  const session = await rawSession(url)
  for (const body of [
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', method: 'notifications/never/heard' },
    { jsonrpc: '2.0', id: 'nobody-asked', result: {} },
  ]) {
    const response = await session.send(body)
    expect([response.status, await response.text()]).toEqual([202, ''])
  }
})

test.each([{ jsonrpc: '2.0', id: null, method: 'ping' }, { jsonrpc: '1.0', id: 1, method: 'ping' }, 5, 'x', {}])(
  '%j is no message',
  async (body) => {
    const session = await rawSession(url)
    const response = await session.send(JSON.stringify(body))
    expect([response.status, (await messages(response))[0]?.error?.code]).toEqual([400, -32600])
  },
)

test('D-06: a batch is for sessions of 2025-03-26, up to fifty messages, and is answered as one', async () => {
  const old = await rawSession(url, { protocolVersion: '2025-03-26' })
  const batch = (size: number) => Array.from({ length: size }, (_, id) => ({ ...ping, id }))
  const answers = await messages(await old.send(batch(50)))
  expect(answers.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))).toEqual(batch(50).map(({ id }) => id))
  expect((await old.send(batch(51))).status).toBe(400)
  expect((await old.send([])).status).toBe(400)
  const now = await rawSession(url)
  expect((await now.send(batch(2))).status).toBe(400)
})

test('one stream per session: a second one is a conflict, a closed one makes room', async () => {
  const session = await rawSession(url)
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id }
  const first = new AbortController()
  const stream = await fetch(url, { headers, signal: first.signal })
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(stream.headers.get('x-accel-buffering')).toBe('no')
  expect((await fetch(url, { headers })).status).toBe(409)
  first.abort()
  await expect
    .poll(async () => {
      const again = await fetch(url, { headers })
      await again.body?.cancel()
      return again.status
    })
    .toBe(200)
})

test('a deleted session is gone for good, and another address does not know it', async () => {
  const session = await rawSession(url)
  const headers = { 'mcp-session-id': session.id }
  expect((await post(`${proxy.url}/servers/one/mcp`, ping, headers)).status).toBe(404)
  expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(200)
  expect((await post(url, ping, headers)).status).toBe(404)
  expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(404)
})

test('D-09: too many sessions are refused with a hint when to come back, and none is evicted', async () => {
  await using held = await holdTwoSessions()
  const refused = await post(held.url, { ...ping, method: 'initialize', params: {} })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30'])
  expect((await held.sessions[0]?.ask('ping'))?.[0]).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
})

async function holdTwoSessions() {
  const own = await holdSocket()
  const group = groupOf([], { limits: { maxBody: 1000, maxSessions: 2 } })
  const small = await startReadyProxy({ group, socket: own })
  const sessions = await Promise.all([rawSession(`${small.url}/mcp`), rawSession(`${small.url}/mcp`)])
  return {
    url: `${small.url}/mcp`,
    sessions,
    async [Symbol.asyncDispose]() {
      await small[Symbol.asyncDispose]()
      own[Symbol.dispose]()
    },
  }
}

test.each([[0], ['text'], [[]], [{ progressToken: {} }], [{ progressToken: null }]])(
  'a request with %j as its _meta is refused, since some servers never answer one',
  async (meta) => {
    const session = await rawSession(url)
    const [answer] = await session.ask('resources/read', { uri: 'any', _meta: meta })
    expect(answer?.error).toMatchObject({ code: -32602, message: expect.stringContaining('_meta') })
  },
)

test('whatever JSON is sent, the answer is one and nothing breaks', async () => {
  const session = await rawSession(url)
  const method = fc.constantFrom(
    ...['tools/call', 'tools/list', 'prompts/get', 'resources/read', 'resources/subscribe', 'completion/complete'],
    ...['logging/setLevel', 'notifications/cancelled', 'ping', 'initialize', '__proto__', 'constructor'],
  )
  const key = fc.constantFrom('name', 'uri', 'ref', 'level', '_meta', 'arguments', 'requestId', 'cursor', '__proto__')
  const params = fc.dictionary(key, fc.jsonValue())
  const message = fc.record({ jsonrpc: fc.constant('2.0'), id: fc.jsonValue(), method, params })
  await fc.assert(
    fc.asyncProperty(fc.oneof(message, fc.jsonValue()), async (body) => {
      const response = await session.send(JSON.stringify(body))
      await response.text()
      expect([200, 202, 400]).toContain(response.status)
    }),
    { numRuns: 300 },
  )
  expect(proxy.log.filter((line) => JSON.parse(line).level === 'error')).toEqual([])
  expect((await session.ask('ping'))[0]?.result).toEqual({})
})
