import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import {
  type ClientCapabilities,
  CreateMessageRequestSchema,
  type JSONRPCMessage,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readEvents } from '../../helpers/events.ts'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { post, rawSession } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const limits = { maxBody: 100_000, maxSessions: 1000 }
  proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')], { limits }), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

async function connect(path: string, capabilities: ClientCapabilities = {}) {
  const client = new Client({ name: 'old', version: '1' }, { capabilities })
  const transport = new SSEClientTransport(new URL(path, proxy.url))
  await client.connect(transport)
  // What came on the wire: the client itself loses progress that comes right before its answer.
  const received: JSONRPCMessage[] = []
  const take = transport.onmessage
  transport.onmessage = (message) => {
    received.push(message)
    take?.(message)
  }
  return { client, received, [Symbol.asyncDispose]: () => client.close() }
}

/** The stream by hand: what came on it, and a way to post to it. */
async function open(path = '/sse') {
  const stream = await readEvents(`${proxy.url}${path}`, { headers: { accept: 'text/event-stream' } })
  await waitFor(() => stream.events[0])
  const endpoint = new URL(stream.events[0]?.data ?? '', proxy.url).href
  const send = (body: unknown, headers: Record<string, string> = {}) => post(endpoint, body, headers)
  const answers = () => stream.events.slice(1).map(({ data }) => JSON.parse(data))
  return { stream, endpoint, send, answers }
}

const initialize = (protocolVersion = '2024-11-05', capabilities = {}) => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion, capabilities, clientInfo: { name: 'raw', version: '1' } },
})

test.each([
  ['/sse', 'one_'],
  ['/servers/one/sse', ''],
])('a client of the old transport lists and calls on %s', async (path, prefix) => {
  await using connected = await connect(path)
  const { tools } = await connected.client.listTools()
  expect(tools.map(({ name }) => name)).toContain(`${prefix}echo`)
  const answer = await connected.client.callTool({ name: `${prefix}echo`, arguments: { text: 'hi' } })
  expect(answer.content).toEqual([{ type: 'text', text: 'hi' }])
})

test('progress, a question of the server and a change of its lists come on the one stream', async () => {
  await using connected = await connect('/sse', { sampling: {} })
  const { client, received } = connected
  let changes = 0
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    changes++
  })
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'm',
    role: 'assistant',
    content: { type: 'text', text: 'sampled' },
  }))
  await client.callTool({ name: 'one_progress', arguments: { steps: 3 } }, undefined, {
    onprogress: () => {},
  })
  const progress = received.filter((one) => 'method' in one && one.method === 'notifications/progress')
  expect(progress).toMatchObject([1, 2, 3].map((step) => ({ params: { progress: step, total: 3 } })))
  const params = { messages: [], maxTokens: 1 }
  const asked = await client.callTool({
    name: 'one_ask',
    arguments: { method: 'sampling/createMessage', params },
  })
  expect(JSON.stringify(asked)).toContain('sampled')
  await client.callTool({ name: 'one_grow', arguments: {} })
  await waitFor(() => changes > 0)
})

test('a call is cancelled by a message, and by the end of the stream', async () => {
  const cancelled = async () => {
    await using looking = await connect('/sse')
    return JSON.stringify(await looking.client.callTool({ name: 'one_cancelled', arguments: {} }))
  }
  {
    await using connected = await connect('/sse')
    const controller = new AbortController()
    const call = connected.client.callTool({ name: 'one_never' }, undefined, { signal: controller.signal })
    call.catch(() => {})
    await connected.client.ping()
    controller.abort('enough of it')
    await waitFor(async () => (await cancelled()).includes('enough of it'))
    const { stream, send, answers } = await open()
    await send(initialize())
    await waitFor(() => answers().length === 1)
    await send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'one_never' } })
    await send({ jsonrpc: '2.0', id: 2, method: 'ping' })
    await waitFor(() => answers().length === 2)
    stream.abort()
  }
  await waitFor(async () => (await cancelled()).includes('deleted'))
})

test('the first event says where to post to, the first message negotiates the revision', async () => {
  for (const [path, where] of [
    ['/sse', '/messages'],
    ['/servers/one/sse', '/servers/one/messages'],
  ]) {
    const { stream, endpoint, send, answers } = await open(path)
    expect(stream.events[0]).toMatchObject({ event: 'endpoint', data: expect.stringMatching(`^${where}\\?sessionId=`) })
    expect(stream.headers.get('x-accel-buffering')).toBe('no')
    const accepted = await send(initialize())
    expect([accepted.status, await accepted.text()]).toEqual([202, ''])
    await waitFor(() => answers().length > 0)
    expect(answers()[0]).toMatchObject({ id: 'init', result: { protocolVersion: '2024-11-05' } })
    expect(endpoint.startsWith(proxy.url)).toBe(true)
    stream.abort()
  }
})

test('a client of 2024-11-05 need not say what it accepts', async () => {
  const { stream, endpoint, answers } = await open()
  const headers = { 'content-type': 'application/json' }
  await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(initialize()) })
  await waitFor(() => answers().length > 0)
  stream.abort()
})

test.each([
  ['an unknown session', '/messages?sessionId=nope', 404],
  ['no session', '/messages', 400],
  ['an unknown server', '/servers/nope/messages?sessionId=nope', 404],
])('a POST with %s is refused', async (_what, path, status) => {
  expect((await post(`${proxy.url}${path}`, initialize())).status).toBe(status)
})

test.each([
  ['invalid JSON', '{', {}, 400],
  ['no JSON-RPC message', '7', {}, 400],
  ['a batch', [initialize()], {}, 400],
  ['another type', initialize(), { 'content-type': 'text/plain' }, 415],
  ['a body over the limit', JSON.stringify('x'.repeat(100_000)), {}, 413],
  ['a message before initialize', { jsonrpc: '2.0', id: 1, method: 'tools/list' }, {}, 400],
  ['an unknown revision', initialize(), { 'mcp-protocol-version': '1999-01-01' }, 400],
  ['a foreign origin', initialize(), { origin: 'http://evil.example' }, 403],
])('a POST with %s is refused, and the stream lives on', async (_what, body, headers, status) => {
  const { stream, send, answers } = await open()
  expect((await send(body, headers)).status).toBe(status)
  await send(initialize())
  await waitFor(() => answers().length > 0)
  stream.abort()
})

test.each([
  ['POST', '/sse', 405, 'GET'],
  ['GET', '/messages?sessionId=x', 405, 'POST'],
])('%s %s is not allowed', async (method, path, status, allow) => {
  const response = await fetch(`${proxy.url}${path}`, { method, headers: { accept: 'text/event-stream' } })
  expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
})

test('the stream must be accepted, and its server be there', async () => {
  const status = async (path: string, accept: string) =>
    (await fetch(`${proxy.url}${path}`, { headers: { accept } })).status
  expect(await status('/sse', 'application/json')).toBe(406)
  expect(await status('/servers/nope/sse', 'text/event-stream')).toBe(404)
})

test('a session is over with its stream, and is none of the other transport', async () => {
  const { stream, endpoint, send, answers } = await open()
  await send(initialize())
  await waitFor(() => answers().length > 0)
  const id = new URL(endpoint).searchParams.get('sessionId') ?? ''
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect((await post(`${proxy.url}/mcp`, ping, { 'mcp-session-id': id })).status).toBe(404)
  expect((await post(endpoint.replace('/messages', '/servers/one/messages'), ping)).status).toBe(404)
  const other = await rawSession(`${proxy.url}/mcp`)
  expect((await post(`${proxy.url}/messages?sessionId=${other.id}`, ping)).status).toBe(404)
  stream.abort()
  await waitFor(async () => (await send(ping)).status === 404)
})

test('what is no request is accepted and answered by nobody; a second initialize is refused', async () => {
  const { stream, send, answers } = await open()
  await send(initialize())
  await waitFor(() => answers().length > 0)
  expect((await send({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202)
  expect((await send({ jsonrpc: '2.0', id: 'nobody-asked', result: {} })).status).toBe(202)
  await send({ ...initialize(), id: 2 })
  await waitFor(() => answers().length > 1)
  expect(answers()[1]).toMatchObject({ id: 2, error: { code: -32600 } })
  stream.abort()
})

test('large answers to many calls at once all arrive on the one stream', async () => {
  await using connected = await connect('/sse')
  const calls = [1, 2, 3, 4].map(() => connected.client.callTool({ name: 'one_big', arguments: { bytes: 2_000_000 } }))
  for (const answer of await Promise.all(calls)) expect(JSON.stringify(answer).length).toBeGreaterThan(2_000_000)
})

test('too many sessions are refused, here as there', async () => {
  using own = await holdSocket()
  const group = groupOf([], { limits: { maxBody: 1000, maxSessions: 1 } })
  await using small = await startReadyProxy({ group, socket: own })
  await rawSession(`${small.url}/mcp`)
  const refused = await fetch(`${small.url}/sse`, { headers: { accept: 'text/event-stream' } })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30'])
})

test('a proxy that drains lets a call finish before its stream ends', async () => {
  using own = await holdSocket()
  await using leaving = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')]), socket: own })
  const stream = await readEvents(`${leaving.url}/sse`, { headers: { accept: 'text/event-stream' } })
  await waitFor(() => stream.events[0])
  const endpoint = `${leaving.url}${stream.events[0]?.data}`
  await post(endpoint, initialize())
  await waitFor(() => stream.events.length > 1)
  const params = { name: 'one_slow', arguments: { ms: 300 } }
  await post(endpoint, { jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  leaving.send({ type: 'drain', graceMs: 5000, handOver: false })
  await stream.over
  expect(stream.events.slice(2).map(({ data }) => JSON.parse(data))).toMatchObject([{ id: 1, result: {} }])
  expect(await leaving.exited).toBe(0)
})
