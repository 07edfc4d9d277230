import { expect, test } from 'vitest'
import type { HttpTransport, Server, StdioTransport } from '../../../src/config/profile.ts'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, modern, modernCall, type Observed, observeReady, saidBy, serverOf, stdio, textOf } from './harness.ts'

interface Stats {
  readonly methods: readonly string[]
  readonly notModern: number
  readonly connections: number
  readonly gets: number
  readonly closed: number
  readonly cancelled: readonly unknown[]
  readonly listening: readonly unknown[]
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>
}

async function statsOf({ address }: FixtureProcess): Promise<Stats> {
  const response = await fetch(new URL('/stats', address), { headers: { connection: 'close' } })
  return JSON.parse(await response.text())
}

type Env = Readonly<Record<string, string>>

interface Place extends AsyncDisposable {
  readonly transport: HttpTransport | StdioTransport
  readonly protocol: Server['protocol']
}

/** The modern fixture over one of its transports; a process is never asked what it speaks, so the profile says it. */
async function place(kind: string, env: Env = {}): Promise<Place> {
  if (kind === 'stdio')
    return { transport: stdio('modern-stdio', env), protocol: 'modern', [Symbol.asyncDispose]: async () => {} }
  const server = await startFixture('modern-http', [], { ANSWER: kind, ...env })
  return {
    transport: http(server.address),
    protocol: 'auto',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const ready = ({ transport, protocol }: Place): Promise<Observed> => observeReady(serverOf(transport, { protocol }))

const kinds = ['json', 'sse', 'stdio']
const streaming = ['sse', 'stdio']

test.each(kinds)('calls a tool with the envelope of its caller over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream } = fixture
  expect(upstream.listing).toMatchObject({
    era: 'modern',
    protocolVersion: '2026-07-28',
    serverInfo: { name: 'modern' },
  })
  const call = modernCall('meta', {}, { 'io.modelcontextprotocol/logLevel': 'debug', 'x/y': [1] })
  expect(saidBy(await upstream.call(call))).toEqual(call.params?._meta)
})

test.each(kinds)('passes results of any type and errors as they are over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream } = fixture
  expect(await upstream.call(modernCall('odd'))).toMatchObject({
    result: { resultType: 'task', task: { taskId: 't1' }, zz: [null] },
  })
  expect(await upstream.call(modernCall('fail'))).toMatchObject({
    error: { code: -32050, message: 'as asked', data: { why: 'test' } },
  })
  expect(await upstream.call(modern('no/such'))).toMatchObject({ error: { code: -32601, message: 'Method not found' } })
})

test.each(kinds)('D-35: carries rounds of input byte by byte over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream } = fixture
  const asked = await upstream.call(modernCall('rounds'))
  expect(asked).toMatchObject({ result: { resultType: 'input_required', requestState: 'state/+= ü' } })
  const inputResponses = { a: { action: 'accept', content: { zz: 1 } } }
  const params = { name: 'rounds', arguments: {}, inputResponses, requestState: 'state/+= ü' }
  expect(saidBy(await upstream.call(modern('tools/call', params)))).toEqual([inputResponses, 'state/+= ü'])
})

test.each(streaming)('gives each client its own progress and logs back over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream } = fixture
  const calls = ['same', 'same'].map((progressToken) => modernCall('progress', {}, { progressToken }))
  await Promise.all(calls.map((call) => upstream.call(call)))
  const seen = calls.map((call) => call.notifications.map(({ params }) => [params?.progressToken, params?.progress]))
  const steps = [1, 2, 3].map((step) => ['same', step])
  expect(seen).toEqual([steps, steps])
  const log = modernCall('log', { data: 'mine' }, { 'io.modelcontextprotocol/logLevel': 'info' })
  await upstream.call(log)
  expect(log.notifications.map(({ params }) => params)).toEqual([{ level: 'info', data: 'mine' }])
  expect(fixture.notifications).toEqual([])
})

test('closes the stream of a cancelled call over HTTP, and says nothing more', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const call = modernCall('never')
  const cancelled = expect(fixture.upstream.call(call)).rejects.toMatchObject({ facts: { kind: 'cancelled' } })
  await waitFor(async () => (await statsOf(server)).methods.includes('tools/call'))
  call.abort('changed my mind')
  await cancelled
  await waitFor(async () => (await statsOf(server)).closed === 1)
  expect((await statsOf(server)).methods).not.toContain('notifications/cancelled')
})

test('names the cancelled call over stdio', async () => {
  await using fixture = await observeReady(serverOf(stdio('modern-stdio'), { protocol: 'modern' }))
  const { upstream } = fixture
  const call = modernCall('never')
  const cancelled = expect(upstream.call(call)).rejects.toMatchObject({ facts: { kind: 'cancelled' } })
  await upstream.call(modernCall('echo'))
  call.abort('changed my mind')
  await cancelled
  await waitFor(async () => textOf(await upstream.call(modernCall('cancelled'))).includes('changed my mind'))
})

test.each(streaming)('drops a request of the server over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const call = modernCall('ask')
  expect(saidBy(await fixture.upstream.call(call))).toBe('asked')
  expect(call.requests).toEqual([])
  expect(fixture.logs).toContainEqual(expect.objectContaining({ level: 'warn', method: 'elicitation/create' }))
})

test('repeats method and name in the head of each request', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  const headers = { 'mcp-param-other': 'kept' }
  const sent = await upstream.call({ ...modernCall('headers'), headers })
  expect(saidBy(sent)).toMatchObject({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'headers',
    'mcp-param-other': 'kept',
  })
  expect(saidBy(sent)).not.toHaveProperty('mcp-session-id')
  await upstream.call(modern('resources/read', { uri: 'test://ü' }))
  await upstream.call(modern('prompts/get', { name: ' x' }))
  await upstream.call(modern('tasks/get', { taskId: 't1' }))
  const { headers: seen, gets } = await statsOf(server)
  expect([seen['resources/read']?.['mcp-name'], seen['prompts/get']?.['mcp-name']]).toEqual([
    '=?base64?dGVzdDovL8O8?=',
    '=?base64?IHg=?=',
  ])
  expect([seen['tasks/get']?.['mcp-name'], seen['tools/list']?.['mcp-method']]).toEqual(['t1', 'tools/list'])
  expect(gets).toBe(0)
})

test('repeats declared arguments in the head, and looks the declarations up once when they are refused', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  const routed = () => upstream.call(modernCall('routed', { region: 'eu' }))
  expect(saidBy(await routed())).toBe('eu')
  await upstream.call(modernCall('rename', { to: 'Zone' }))
  expect(saidBy(await routed())).toBe('eu')
  const { methods } = await statsOf(server)
  expect(methods.filter((method) => method === 'tools/call')).toHaveLength(4)
})

test('says what is wrong when headers are refused again', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const messages = [{ jsonrpc: '2.0', id: '$id', error: { code: -32020, message: 'Header mismatch' } }]
  await expect(fixture.upstream.call(modernCall('raw', { messages, silent: true }))).rejects.toMatchObject({
    code: -32603,
    facts: { upstream: 'fixture', kind: 'header_mismatch', retryable: false },
  })
})

test('asks anew what the server speaks when it refuses the revision', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const error = { code: -32022, message: 'Unsupported protocol version', data: { supported: ['2031-01-01'] } }
  const messages = [{ jsonrpc: '2.0', id: '$id', error }]
  const call = fixture.upstream.call(modernCall('raw', { messages, silent: true }))
  await expect(call).rejects.toMatchObject({ code: -31001, facts: { retryable: true } })
  const { methods } = await statsOf(server)
  expect(methods.filter((method) => method === 'tools/call')).toHaveLength(2)
  expect(methods.filter((method) => method === 'server/discover').length).toBeGreaterThan(1)
})

test('does not believe progress on the stream of another call', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  const other = modernCall('never', {}, { progressToken: 'other' })
  const waiting = upstream.call(other).catch(() => {})
  await waitFor(async () => (await statsOf(server)).methods.includes('tools/call'))
  const tokens = Array.from({ length: 20 }, (_, progressToken) => progressToken)
  const messages = tokens.map((progressToken) => ({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken, progress: 1 },
  }))
  const call = modernCall('raw', { messages }, { progressToken: 'mine' })
  await upstream.call(call)
  expect(call.notifications.map(({ params }) => params)).toEqual([{ progressToken: 'mine', progress: 1 }])
  expect(other.notifications).toEqual([])
  other.abort('enough')
  await waiting
})

test.each(['json', 'stdio'])('does not wait for ever for a subscription over %s', async (kind) => {
  await using at = await place(kind, { DEAF: '1' })
  const { transport, protocol } = at
  await using fixture = await observeReady(serverOf(transport, { protocol }), { timing: { acknowledged: 100 } })
  const { upstream } = fixture
  expect(await upstream.subscribe('test://one')).toMatchObject({ error: { code: -32602 } })
  expect(saidBy(await upstream.call(modernCall('echo', { said: 'fine' })))).toBe('fine')
})

const invalid = JSON.stringify([
  { name: 'broken', inputSchema: { type: 'object', properties: { a: { type: 'number', 'x-mcp-header': 'A' } } } },
])

test.each([
  ['sse', false],
  ['stdio', true],
])('offers a tool with impossible headers over %s: %s', async (kind, isOffered) => {
  await using at = await place(kind, { TOOLS: invalid })
  await using fixture = await ready(at)
  expect(fixture.upstream.listing?.tools.some(({ name }) => name === 'broken')).toBe(isOffered)
  const warning = expect.objectContaining({ level: 'warn', tool: 'broken', reason: expect.stringContaining('"a"') })
  if (isOffered) expect(fixture.logs).not.toContainEqual(warning)
  else expect(fixture.logs).toContainEqual(warning)
})

test('keeps what stands around the lists, over all pages', async () => {
  const env = { PAGES: '1', TTL: '60000', SCOPE: 'public', EXTRA: '{"instructions":"read me","zz":{"a":1}}' }
  await using at = await place('json', env)
  await using fixture = await ready(at)
  const { frames, instructions, tools } = fixture.upstream.listing ?? {}
  expect(frames?.tools).toMatchObject({
    extra: { page0: 1, page1: 1, _meta: { 'x/y': 1 } },
    ttlMs: 60_000,
    scope: 'public',
  })
  expect(frames?.greeting).toEqual({ extra: { zz: { a: 1 }, _meta: { 'x/y': 1 } }, ttlMs: 60_000, scope: 'public' })
  expect(frames?.prompts).toEqual({ extra: {}, ttlMs: 0, scope: 'private' })
  expect([instructions, tools?.length]).toEqual(['read me', tools?.length])
})

test('looks at the lists anew when their time is up', async () => {
  const env = { TTL: '1', CAPABILITIES: '{"tools":{}}' }
  await using server = await startFixture('modern-http', [], env)
  await using fixture = await observeReady(serverOf(http(server.address)), { timing: { refetch: 50, debounce: 1 } })
  const first = fixture.upstream.confirmedAt ?? 0
  await fixture.upstream.call(modernCall('grow'))
  await waitFor(() => fixture.listed === 2)
  expect(fixture.upstream.confirmedAt).toBeGreaterThan(first)
})

test.each(['json', 'stdio'])('hears of changed lists over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream } = fixture
  const count = upstream.listing?.tools.length ?? 0
  await upstream.call(modernCall('grow'))
  await waitFor(() => upstream.listing?.tools.length === count + 1)
  expect(fixture.notifications).toEqual([])
})

const updated = (uri: string) => ({
  jsonrpc: '2.0',
  method: 'notifications/resources/updated',
  params: { uri, zz: 1 },
})

test.each(['json', 'stdio'])('hears of the resources it subscribed to over %s', async (kind) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream, notifications } = fixture
  const uris = ['test://1', 'test://2', 'test://3']
  const answers = await Promise.all(uris.map((uri) => upstream.subscribe(uri)))
  expect(answers).toEqual(uris.map(() => expect.objectContaining({ result: {} })))
  expect(await upstream.subscribe('test://secret')).toMatchObject({ error: { code: -32602 } })
  await upstream.unsubscribe('test://2')
  for (const uri of uris) await upstream.call(modernCall('update', { uri }))
  await waitFor(() => notifications.length === 2)
  expect(notifications).toEqual([updated('test://1'), updated('test://3')])
})

test('keeps one stream for lists and one for resources', async () => {
  await using server = await startFixture('modern-http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  for (let i = 0; i < 5; i++) await fixture.upstream.subscribe(`test://${i}`)
  const resourceSubscriptions = Array.from({ length: 5 }, (_, i) => `test://${i}`)
  await waitFor(async () => (await statsOf(server)).listening.length === 2)
  expect((await statsOf(server)).listening).toEqual([
    { toolsListChanged: true, resourcesListChanged: true },
    { resourceSubscriptions },
  ])
})

test.each([
  ['json', true],
  ['json', false],
  ['stdio', true],
])('subscribes again over %s when a stream ends, gracefully: %s', async (kind, graceful) => {
  await using at = await place(kind)
  await using fixture = await ready(at)
  const { upstream, notifications } = fixture
  await upstream.subscribe('test://1')
  await upstream.call(modernCall('hush', { graceful }))
  const listening = async () => Object(saidBy(await upstream.call(modernCall('stats')))).listening.length
  await waitFor(async () => (await listening()) === 2)
  await upstream.call(modernCall('update', { uri: 'test://1' }))
  await waitFor(() => notifications.length === 1)
})

test('subscribes again after a restart', async () => {
  await using fixture = await observeReady(serverOf(stdio('modern-stdio'), { protocol: 'modern' }))
  const { upstream, notifications } = fixture
  await upstream.subscribe('test://1')
  await expect(upstream.call(modernCall('crash'))).rejects.toThrow()
  const listening = async () => Object(saidBy(await upstream.call(modernCall('stats')))).listening.length
  await waitFor(async () => (await listening()) === 2)
  await upstream.call(modernCall('update', { uri: 'test://1' }))
  await waitFor(() => notifications.length === 1)
})

test('uses one connection until it is ready, and never asks for a stream of its own', async () => {
  await using server = await startFixture('modern-http', [], { CAPABILITIES: '{"tools":{}}' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  // One of ours, one of this question.
  expect((await statsOf(server)).connections).toBe(2)
  await fixture.upstream.call(modernCall('echo'))
  const { methods, gets } = await statsOf(server)
  expect([methods, gets]).toEqual([['server/discover', 'tools/list', 'tools/call'], 0])
})

test.each([
  ['in words', {}],
  ['with a bare status', { PLAIN: '1' }],
])('finds out that the server is of another era now, %s', async (_how, env) => {
  await using server = await startFixture('modern-http', [], { SPEAKS: 'dual', ...env })
  await using fixture = await observeReady(serverOf(http(server.address)))
  const { upstream } = fixture
  expect(upstream.listing?.era).toBe('modern')
  await fetch(new URL('/speak?era=legacy', server.address))
  await upstream.call(modernCall('echo')).catch(() => {})
  await waitFor(() => upstream.listing?.era === 'legacy' && upstream.state === 'ready')
})
