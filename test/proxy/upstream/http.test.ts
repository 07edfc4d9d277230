import { expect, test } from 'vitest'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { freePort } from '../../helpers/ports.ts'
import { waitFor } from '../../helpers/wait.ts'
import { exchange, http, observe, observeReady, serverOf, textOf, toolCall } from './harness.ts'

interface Stats {
  readonly connections: number
  readonly initializes: number
  readonly posts: number
  readonly calls: number
  readonly gets: number
  readonly deletes: number
  readonly sessions: number
  readonly cancelled: number
  readonly connectionsAt: Readonly<Record<string, number>>
  readonly methods: readonly string[]
  readonly lastEventIds: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

async function statsOf({ address }: FixtureProcess): Promise<Stats> {
  const response = await fetch(new URL('/stats', address), { headers: { connection: 'close' } })
  return JSON.parse(await response.text())
}

async function tell({ address }: FixtureProcess, path: string): Promise<void> {
  await fetch(new URL(path, address), { method: 'POST', headers: { connection: 'close' } })
}

test.each(['json', 'sse'])('connects to a server that answers as %s and calls a tool', async (ANSWER) => {
  await using server = await startFixture('http', [], { ANSWER })
  await using fixture = await observeReady(serverOf(http(server.address, { headers: { 'X-Key': 'k' } })))
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
  const { headers, methods } = await statsOf(server)
  expect(methods).toEqual(['server/discover', 'initialize', 'notifications/initialized', 'tools/list', 'tools/call'])
  expect(headers).toMatchObject({
    'x-key': 'k',
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
    'mcp-session-id': expect.stringMatching(/./),
    'user-agent': 'mcpctl/0.0.0',
  })
})

test.each(['json', 'sse'])('uses one connection until it is ready, with answers as %s', async (ANSWER) => {
  await using server = await startFixture('http', [], { ANSWER, HANDSHAKE: '100', DELAY: '20' })
  await using _fixture = await observeReady(serverOf(http(server.address)))
  expect((await statsOf(server)).connectionsAt).toEqual({
    'server/discover': 1,
    initialize: 1,
    'notifications/initialized': 1,
    'tools/list': 1,
  })
})

test('keeps its connection for later calls, with a few beside it once there has been one', async () => {
  await using server = await startFixture('http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  // One for calls, one of the side stream that was refused, and one for this question.
  expect((await statsOf(server)).connections).toBeLessThanOrEqual(3)
  for (let i = 0; i < 10; i++) await fixture.upstream.call(toolCall('echo'))
  const { connections } = await statsOf(server)
  // Four for calls, among them that of the side stream, and one for each question.
  expect(connections).toBeLessThanOrEqual(6)
})

test('ends the session of the server when it is closed', async () => {
  await using server = await startFixture('http')
  const fixture = await observeReady(serverOf(http(server.address)))
  await fixture.upstream.close()
  expect(await statsOf(server)).toMatchObject({ sessions: 0, deletes: 1 })
})

test('hears what belongs to no call on the side stream, and reopens it', async () => {
  await using server = await startFixture('http', [], { STREAM: '1' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  await waitFor(async () => (await statsOf(server)).gets === 1)
  const count = upstream.listing?.tools.length ?? 0
  await upstream.call(toolCall('grow'))
  await waitFor(() => upstream.listing?.tools.length === count + 1)
  await tell(server, '/cut')
  await waitFor(async () => (await statsOf(server)).gets === 2)
  await upstream.call(toolCall('grow'))
  await waitFor(() => upstream.listing?.tools.length === count + 2)
})

test('asks a client over the side stream when only its call is in flight', async () => {
  await using server = await startFixture('http', [], { STREAM: '1' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  await waitFor(async () => (await statsOf(server)).gets === 1)
  const call = toolCall('ask-aside', { method: 'elicitation/create' }, undefined, ({ id }) =>
    Promise.resolve({ jsonrpc: '2.0', id, result: { action: 'accept' } }),
  )
  expect(textOf(await fixture.upstream.call(call))).toBe('{"action":"accept"}')
})

test('compares the lists once the side stream is open, and after each gap in it', async () => {
  await using server = await startFixture('http', [], { STREAM: '1' })
  await using fixture = await observeReady(serverOf(http(server.address)), { timing: { refetch: 1 } })
  const lists = async () => (await statsOf(server)).methods.filter((one) => one === 'tools/list').length
  await waitFor(async () => (await lists()) === 2)
  await tell(server, '/cut')
  await waitFor(async () => (await lists()) === 3)
  expect(fixture.listed).toBe(1)
})

test('asks a server that announces no changes for its lists once', async () => {
  await using server = await startFixture('http', [], { STREAM: '1', CAPABILITIES: '{"tools":{}}' })
  await using fixture = await observeReady(serverOf(http(server.address)), { timing: { refetch: 1 } })
  await waitFor(async () => (await statsOf(server)).gets === 1)
  await fixture.upstream.call(toolCall('slow', { ms: 300 }))
  expect((await statsOf(server)).methods.filter((one) => one === 'tools/list')).toHaveLength(1)
})

test('U-21: re-initialises once for a hundred calls that lost their session', async () => {
  await using server = await startFixture('http', [], { DELAY: '20' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  await tell(server, '/forget')
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => upstream.call(toolCall('echo', { text: `${i}` }))),
  )
  expect(answers.map(textOf)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
  expect(await statsOf(server)).toMatchObject({ initializes: 2 })
  expect([upstream.state, fixture.listed]).toEqual(['ready', 1])
})

test('U-22: does not storm a server that forgets every session', async () => {
  await using server = await startFixture('http', [], { FORGET: '1' })
  const restart = { backoff: 1000, maxBackoff: 60_000 }
  await using fixture = await observeReady(serverOf(http(server.address), { restart }))
  const outcomes = []
  for (let i = 0; i < 50; i++) outcomes.push(...(await Promise.allSettled([fixture.upstream.call(toolCall('echo'))])))
  expect(outcomes[0]?.status).toBe('fulfilled')
  expect((await statsOf(server)).initializes).toBeLessThanOrEqual(5)
})

test('replays a lost session over the same transport, its stream included', async () => {
  await using server = await startFixture('http', [], { STREAM: '1' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  await tell(server, '/forget')
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
  await waitFor(async () => (await statsOf(server)).gets === 2)
})

test('U-23: asks for authorization instead of trying again', async () => {
  await using server = await startFixture('http', [], { TOKEN: 't' })
  await using fixture = await observeReady(serverOf(http(server.address, { headers: { Authorization: 'Bearer t' } })))
  expect(fixture.upstream.state).toBe('ready')
  await using refused = observe(serverOf(http(server.address)))
  await refused.upstream.settled()
  expect(refused.states).toEqual(['connecting', 'authRequired'])
  expect(refused.upstream.lastError).toBe('not authorized: HTTP 401 (set "headers" with valid credentials)')
  await expect(refused.upstream.call(toolCall('echo'))).rejects.toMatchObject({
    code: -31001,
    facts: { kind: 'auth_required', retryable: false },
  })
})

test('U-24: leaves a server alone for as long as it asks', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  const script = { status: 429, headers: { 'retry-after': '3' } }
  await expect(upstream.call(toolCall('reply', script))).rejects.toMatchObject({
    code: -31001,
    facts: { retryable: true, retryAfterMs: 3000 },
  })
  const { posts } = await statsOf(server)
  await expect(upstream.call(toolCall('reply'))).rejects.toMatchObject({ message: expect.stringContaining('a pause') })
  expect((await statsOf(server)).posts).toBe(posts)
})

const html = { 'content-type': 'text/html' }

test.each([
  ['502 with HTML', { status: 502, headers: html, body: '<h1>Bad' }, 'HTTP 502'],
  ['200 with HTML', { status: 200, headers: html, body: '<h1>Hi' }, 'HTTP 200 with text/html is no answer'],
  ['an empty 200', { status: 200 }, 'HTTP 200 with no content type is no answer'],
  ['204', { status: 204 }, 'HTTP 204 with no content type is no answer'],
  ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'redirected with HTTP 307'],
  ['403', { status: 403 }, 'not authorized: HTTP 403'],
  ['a stream that ends without an answer', { events: ': nothing\n\n' }, 'the stream ended without an answer'],
  ['an event that is not JSON', { events: 'data: {"a":\n\n' }, 'an event is not JSON'],
  ['an answer to another request', { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }, 'no'],
])('U-25: ends only the call that is answered with %s', async (_title, script, message) => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  await expect(upstream.call(toolCall('reply', script))).rejects.toThrow(message)
  expect(textOf(await upstream.call(toolCall('reply')))).toBe('ok')
  expect(await statsOf(server)).toMatchObject({ initializes: 1 })
})

test('passes an error with a status of its own', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const body = '{"jsonrpc":"2.0","id":$id,"error":{"code":-32602,"message":"no such tool","data":{"a":1}}}'
  const script = { status: 400, headers: { 'content-type': 'application/json' }, body }
  expect(await fixture.upstream.call(toolCall('reply', script))).toMatchObject({
    error: { code: -32602, message: 'no such tool', data: { a: 1 } },
  })
})

test('resumes an answer by the id of the last event', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const script = {
    events: 'id: e1\nretry: 50\ndata:\n\n',
    resume: 'id: e2\ndata: {"jsonrpc":"2.0","id":$id,"result":{"content":[{"text":"resumed"}]}}\n\n',
  }
  const call = toolCall('reply', script)
  expect(textOf(await fixture.upstream.call(call))).toBe('resumed')
  expect((await statsOf(server)).lastEventIds).toEqual(['e1'])
  expect(call.parted).toEqual([50])
})

test('gives up on an answer that resuming does not bring', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const script = { events: 'id: e1\nretry: 10\ndata:\n\n', resume: ': nothing\n\n' }
  await expect(fixture.upstream.call(toolCall('reply', script))).rejects.toThrow('ended without an answer')
  expect((await statsOf(server)).lastEventIds).toHaveLength(5)
})

test('lets go of a stream whose call ran out of time', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address), { timeouts: { request: 150 } }))
  const call = fixture.upstream.call(toolCall('reply', { events: ': open\n\n', end: false }))
  await expect(call).rejects.toMatchObject({ code: -31002 })
  await waitFor(async () => (await statsOf(server)).cancelled === 1)
})

test('U-29: finds out that an idle server no longer answers', async () => {
  await using server = await startFixture('http')
  const heartbeat = { every: 200, timeout: 200, misses: 3 }
  await using fixture = await observeReady(serverOf(http(server.address)), { timing: { heartbeat } })
  process.kill(server.pid, 'SIGSTOP')
  await waitFor(() => fixture.upstream.state !== 'ready')
  process.kill(server.pid, 'SIGCONT')
  await waitFor(() => fixture.upstream.state === 'ready')
  expect(fixture.states.slice(0, 3)).toEqual(['connecting', 'ready', 'backoff'])
})

test('notices a lost session without a call, and starts a new one at once', async () => {
  await using server = await startFixture('http')
  const heartbeat = { every: 200, timeout: 2000, misses: 3 }
  await using fixture = await observeReady(serverOf(http(server.address)), { timing: { heartbeat } })
  await tell(server, '/forget')
  await waitFor(async () => (await statsOf(server)).initializes === 2)
  await waitFor(() => fixture.upstream.state === 'ready')
  expect(fixture.states).toEqual(['connecting', 'ready', 'connecting', 'ready'])
})

test.each(['json', 'sse'])('U-11: fails only the call whose answer as %s is larger than 16 MiB', async (ANSWER) => {
  await using server = await startFixture('http', [], { ANSWER })
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  const other = upstream.call(toolCall('slow', { ms: 500 }))
  await expect(upstream.call(toolCall('big', { bytes: 17 * 1024 * 1024 }))).rejects.toThrow('larger than 16 MiB')
  expect(textOf(await other)).toBe('done')
  expect(textOf(await upstream.call(toolCall('big', { bytes: 15 * 1024 * 1024 })))).toHaveLength(15 * 1024 * 1024)
})

test('U-31: does not storm a server that closes the side stream at once', async () => {
  await using server = await startFixture('replies', [], { GET_CLOSES: '1' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  await waitFor(async () => (await statsOf(server)).gets >= 2)
  await fixture.upstream.call(toolCall('reply'))
  expect((await statsOf(server)).gets).toBeLessThanOrEqual(3)
})

test.each(['404', '400', '501'])('does without a side stream when it is refused with %s', async (GET_STATUS) => {
  await using server = await startFixture('replies', [], { GET_STATUS })
  await using fixture = await observeReady(serverOf(http(server.address)))
  expect(textOf(await fixture.upstream.call(toolCall('reply')))).toBe('ok')
  expect(await statsOf(server)).toMatchObject({ initializes: 1, gets: 1 })
})

test('U-01: gives up on a server that accepts and never answers', async () => {
  await using server = await startFixture('hanging')
  await using fixture = observe(serverOf(http(server.address), { timeouts: { connect: 300 } }))
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'backoff'])
  expect(fixture.upstream.lastError).toBe('not ready within 300 ms')
})

test.each(['auto', 'sse'] as const)('closes at once while it connects over "%s"', async (kind) => {
  await using server = await startFixture('hanging')
  const fixture = observe(serverOf(http(server.address, { kind }), { timeouts: { connect: 60_000 } }))
  const call = expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({ code: -31006 })
  await fixture.upstream.close()
  await call
})

test('lets a call wait for a connect in progress, and says when to come back otherwise', async () => {
  const port = await freePort()
  const server = serverOf(http(`http://127.0.0.1:${port}/mcp`), { restart: { backoff: 60_000, maxBackoff: 60_000 } })
  await using fixture = observe(server)
  const refusal = await fixture.upstream.call(toolCall('echo')).catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    code: -31001,
    message: 'Server "fixture" is not available: connection refused',
    facts: { retryable: true, retryAfterMs: expect.any(Number) },
  })
  expect(fixture.upstream.state).toBe('backoff')
})

test('comes back when the server does', async () => {
  const port = await freePort()
  await using fixture = observe(serverOf(http(`http://127.0.0.1:${port}/mcp`)))
  await fixture.upstream.settled()
  await using _server = await startFixture('http', [String(port)])
  await waitFor(() => fixture.upstream.state === 'ready')
  expect(fixture.upstream.lastError).toBeNull()
})

test('notices that the server went away when a call fails', async () => {
  const server = await startFixture('http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  await server[Symbol.asyncDispose]()
  await expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({ code: -31001 })
  await waitFor(() => fixture.upstream.state === 'backoff')
})

test('repeats a read after a broken answer, but no tool call', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const script = { status: 502 }
  await expect(fixture.upstream.call(toolCall('reply', script))).rejects.toThrow('HTTP 502')
  await expect(fixture.upstream.call(exchange('resources/read', { arguments: script }))).rejects.toThrow('HTTP 502')
  expect(await statsOf(server)).toMatchObject({ calls: 1, reads: 3 })
})

test('does not repeat a call whose session is gone when its answer is to be resumed', async () => {
  await using server = await startFixture('replies', [], { RESUME_STATUS: '404' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  const script = { events: 'id: e1\nretry: 10\ndata:\n\n' }
  await expect(fixture.upstream.call(toolCall('reply', script))).rejects.toThrow('ended without an answer')
  expect((await statsOf(server)).calls).toBe(1)
})

test('U-30: is not hurried by a server that wants its answer resumed at once, again and again', async () => {
  await using server = await startFixture('replies')
  await using fixture = await observeReady(serverOf(http(server.address), { timeouts: { request: 450 } }))
  const script = {
    events: 'id: e1\nretry: 0\ndata:\n\n',
    resume: 'id: e2\nretry: 0\ndata: {"jsonrpc":"2.0","method":"notifications/any"}\n\n',
  }
  await expect(fixture.upstream.call(toolCall('reply', script))).rejects.toMatchObject({ code: -31002 })
  expect((await statsOf(server)).lastEventIds.length).toBeLessThan(6)
})

test('comes back for every session a server forgets, however soon one after the other', async () => {
  await using server = await startFixture('http')
  await using fixture = await observeReady(serverOf(http(server.address)), { timing: { session: 0 } })
  for (let i = 1; i <= 3; i++) {
    await tell(server, '/forget')
    const calls = Array.from({ length: 100 }, () => fixture.upstream.call(toolCall('echo', { text: 'hi' })))
    expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['hi']))
    expect((await statsOf(server)).initializes).toBe(1 + i)
  }
})
