import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { json } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { Server } from '../../src/config/profile.ts'
import { groupOf, serverOf, stdioServer } from '../helpers/group.ts'
import { messages, post, rawSession } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { configure, holdSocket, newKey, type RunningProxy, startProxy, startReadyProxy } from '../helpers/proxy.ts'
import { waitFor } from '../helpers/wait.ts'

const echo = (name: string, fields: Partial<Server> = {}) => stdioServer(name, 'echo', fields)
const filter = serverOf('x').tools
const pidOf = (proxy: RunningProxy, name: string) => proxy.status()?.servers.find((server) => server.name === name)?.pid
const names = (tools: unknown) => (tools as { name: string }[]).map(({ name }) => name)
const toolsOf = async (session: Awaited<ReturnType<typeof rawSession>>) => {
  const [list] = await session.ask('tools/list')
  return names(list?.result?.tools)
}

test('an empty group is ready', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([]), socket })
  expect(await toolsOf(await rawSession(`${proxy.url}/mcp`))).toEqual([])
})

test('a proxy told of another address than its socket’s reports it and exits', async () => {
  using socket = await holdSocket()
  const listen = { host: '127.0.0.1', port: socket.port + 1 }
  await using proxy = await startProxy({ group: groupOf([]), socket, start: { listen } })
  expect(proxy.messages.find(({ type }) => type === 'fatal')).toMatchObject({
    message: `the socket is bound to 127.0.0.1:${socket.port}, not to 127.0.0.1:${socket.port + 1}`,
  })
  expect(await proxy.exited).toBe(75)
})

test('a session outlives a killed proxy: the next one on the socket goes on with it', async () => {
  using socket = await holdSocket()
  const sessionKey = newKey()
  const group = groupOf([echo('a')])
  const first = await startReadyProxy({ group, socket, sessionKey })
  const session = await rawSession(`${first.url}/mcp`)
  first.kill('SIGKILL')
  await first.exited
  const waiting = session.ask('tools/call', { name: 'a_echo', arguments: { text: 'still here' } })
  await using second = await startProxy({ group, socket, sessionKey })
  expect((await waiting)[0]?.result).toEqual({ content: [{ type: 'text', text: 'still here' }] })
  const stream = await fetch(`${second.url}/mcp`, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': session.id },
  })
  const reader = stream.body?.getReader()
  const told = new TextDecoder().decode((await reader?.read())?.value)
  await reader?.cancel()
  expect(told).toContain('notifications/tools/list_changed')
})

test('another key opens no session', async () => {
  using socket = await holdSocket()
  const first = await startReadyProxy({ group: groupOf([]), socket })
  const { id } = await rawSession(`${first.url}/mcp`)
  await first[Symbol.asyncDispose]()
  await using second = await startReadyProxy({ group: groupOf([]), socket })
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  expect((await post(`${second.url}/mcp`, ping, { 'mcp-session-id': id })).status).toBe(404)
})

test('a hung server holds up neither the others’ calls nor, after the first wait, any list', async () => {
  using socket = await holdSocket()
  const group = groupOf([stdioServer('hung', 'silent'), echo('good')], { listWait: 700 })
  await using proxy = await startProxy({ group, socket })
  await waitFor(() => proxy.status()?.servers[1]?.state === 'ready')
  const session = await rawSession(`${proxy.url}/mcp`)
  const answers = await Promise.all([
    session.ask('tools/call', { name: 'good_echo', arguments: { text: 'hi' } }),
    toolsOf(session),
  ])
  expect(answers[0][0]?.result).toEqual({ content: [{ type: 'text', text: 'hi' }] })
  expect(answers[1]).toContain('good_echo')
  expect(session.initialized?.result).toMatchObject({ capabilities: { tools: {}, prompts: {}, resources: {} } })
  expect(proxy.status()?.state).toBe('starting')
  expect((await fetch(`${proxy.url}/readyz`)).status).toBe(503)
})

test('a server that cannot be reached leaves the group degraded, and its calls fail fast and clearly', async () => {
  using socket = await holdSocket()
  const dead = serverOf('dead', {
    transport: { kind: 'http', url: `http://127.0.0.1:${await freePort()}/mcp`, headers: {} },
  })
  await using proxy = await startProxy({ group: groupOf([dead, echo('good')]), socket })
  await waitFor(() => proxy.status()?.state === 'degraded')
  expect(proxy.status()?.servers[0]).toMatchObject({ name: 'dead', state: 'backoff', tools: 0 })
  expect((await fetch(`${proxy.url}/readyz`)).status).toBe(200)
  const session = await rawSession(`${proxy.url}/servers/dead/mcp`)
  const [answer] = await session.ask('tools/call', { name: 'any' })
  expect(answer?.error).toMatchObject({ code: -31001, data: { mcpctl: { upstream: 'dead', retryable: true } } })
})

test('a new configuration touches only what it changes', async () => {
  using socket = await holdSocket()
  const servers = [echo('kept'), echo('renamed'), echo('changed'), echo('removed')]
  await using proxy = await startReadyProxy({ group: groupOf(servers), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  const before = proxy.status()?.servers.map(({ pid }) => pid) ?? []
  const params = { name: 'removed_progress', arguments: { steps: 6, ms: 100 }, _meta: { progressToken: 'p' } }
  // The head is there with the first progress: from then on the call is in flight.
  const inFlight = await session.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const next = [
    echo('added'),
    echo('kept'),
    echo('renamed', {
      prefix: 'new_',
      tools: { ...filter, allow: ['echo', 'never'] },
      timeouts: { ...serverOf('x').timeouts, request: 200 },
    }),
    echo('changed', { stateful: true }),
  ]
  await configure(proxy, groupOf(next))
  const tools = await toolsOf(session)
  expect(tools.filter((name) => name.endsWith('echo'))).toEqual(['added_echo', 'kept_echo', 'new_echo', 'changed_echo'])
  expect(tools).not.toContain('new_slow')
  const [late] = await session.ask('tools/call', { name: 'new_never' })
  expect(late?.error).toMatchObject({ code: -31002, data: { mcpctl: { upstream: 'renamed' } } })
  expect([pidOf(proxy, 'kept'), pidOf(proxy, 'renamed')]).toEqual(before.slice(0, 2))
  expect(pidOf(proxy, 'changed')).not.toBe(before[2])
  expect((await messages(inFlight)).at(-1)?.result).toEqual({ content: [{ type: 'text', text: 'done' }] })
  for (const pid of before.slice(2)) await waitFor(() => !isAlive(pid ?? 0))
  await waitFor(() => proxy.status()?.generation === 2 && proxy.status()?.state === 'ready')
})

test('while a changed server starts, the old one serves', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  const transport = { ...stdioServer('a', 'echo').transport, env: { START_DELAY: '600' } }
  const configured = configure(proxy, groupOf([echo('a', { transport: transport as Server['transport'] })]))
  let isDone = false
  void configured.then(() => {
    isDone = true
  })
  let calls = 0
  while (!isDone) {
    const [answer] = await session.ask('tools/call', { name: 'a_echo', arguments: { text: 'x' } })
    expect(answer?.result).toBeDefined()
    calls++
  }
  expect(calls).toBeGreaterThan(1)
})

test('R-09: told to listen on another socket it serves both while the old one drains', async () => {
  using socket = await holdSocket()
  using other = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  const slow = session.ask('tools/call', { name: 'a_slow', arguments: { ms: 300 } })
  proxy.send({ type: 'listen', listen: { host: other.host, port: other.port }, yields: false }, other.handle)
  await waitFor(() => proxy.messages.some((told) => told.type === 'listening' && told.port === other.port))
  const moved = await rawSession(`http://${other.host}:${other.port}/mcp`)
  expect((await moved.ask('ping'))[0]?.result).toEqual({})
  expect((await slow)[0]?.result).toBeDefined()
})

test('draining finishes what is in flight, ends streams, says so and exits with 0', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const pid = pidOf(proxy, 'a') ?? 0
  const session = await rawSession(`${proxy.url}/mcp`)
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id }
  const stream = await fetch(`${proxy.url}/mcp`, { headers })
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a_slow', arguments: { ms: 400 } } }
  const slow = session.send(call)
  await waitFor(async () => (await session.ask('ping')).length === 1)
  proxy.send({ type: 'drain', graceMs: 5000, handOver: false })
  await waitFor(() => proxy.status()?.state === 'draining')
  expect(await stream.text()).not.toContain('event: message')
  expect((await messages(await slow))[0]?.result).toBeDefined()
  expect(await proxy.exited).toBe(0)
  expect(isAlive(pid)).toBe(false)
})

test('a call that outlasts the grace of a drain is answered before the proxy goes', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  const params = { name: 'a_progress', arguments: { steps: 1000, ms: 20 }, _meta: { progressToken: 1 } }
  const inFlight = await session.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  proxy.send({ type: 'drain', graceMs: 200, handOver: false })
  expect((await messages(inFlight)).at(-1)?.error).toMatchObject({ code: -31006, data: { mcpctl: { upstream: 'a' } } })
  expect(await proxy.exited).toBe(0)
})

test('a removed server that is still busy does not outlive the proxy', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const pid = pidOf(proxy, 'a') ?? 0
  const session = await rawSession(`${proxy.url}/mcp`)
  const params = { name: 'a_progress', arguments: { steps: 1000, ms: 20 }, _meta: { progressToken: 1 } }
  const inFlight = await session.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  await configure(proxy, groupOf([]))
  expect(isAlive(pid)).toBe(true)
  proxy.send({ type: 'drain', graceMs: 0, handOver: false })
  expect((await messages(inFlight)).at(-1)?.error?.code).toBe(-31006)
  expect(await proxy.exited).toBe(0)
  expect(isAlive(pid)).toBe(false)
})

test('SIGINT is the supervisor’s business, SIGTERM drains', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([]), socket })
  proxy.kill('SIGINT')
  const session = await rawSession(`${proxy.url}/mcp`)
  expect((await session.ask('ping'))[0]?.result).toEqual({})
  proxy.kill('SIGTERM')
  expect(await proxy.exited).toBe(0)
})

test('without its supervisor it stops at once, its servers with it', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const pid = pidOf(proxy, 'a') ?? 0
  proxy.disconnect()
  expect(await proxy.exited).toBe(0)
  expect(isAlive(pid)).toBe(false)
})

test('secrets appear neither in the log nor in the status', async () => {
  using socket = await holdSocket()
  const secret = 'hunter2-hunter2'
  const broken = serverOf('broken', {
    transport: { kind: 'http', url: `http://127.0.0.1:${await freePort()}/${secret}`, headers: { a: secret } },
  })
  await using proxy = await startProxy({ group: groupOf([broken]), socket, start: { secrets: [secret] } })
  await waitFor(() => proxy.status()?.state === 'degraded')
  expect(JSON.stringify([proxy.log, proxy.messages])).not.toContain(secret)
})

test('a new socket it cannot listen on leaves it where it was', async () => {
  using socket = await holdSocket()
  using other = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([echo('a')]), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  proxy.send({ type: 'listen', listen: { host: other.host, port: other.port + 1 }, yields: false }, other.handle)
  await waitFor(() => proxy.log.some((line) => line.includes('new address not taken')))
  expect((await session.ask('ping'))[0]?.result).toEqual({})
  expect(proxy.messages.some(({ type }) => type === 'fatal')).toBe(false)
})

test('initializing on the address of a server that is removed meanwhile fails as a request does', async () => {
  using socket = await holdSocket()
  await using proxy = await startProxy({ group: groupOf([stdioServer('hung', 'silent')]), socket })
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const request = httpRequest(`${proxy.url}/servers/hung/mcp`, {
    method: 'POST',
    headers: { ...headers, expect: '100-continue' },
  })
  const answered = once(request, 'response')
  request.flushHeaders()
  // The proxy asks for the body once it has let the head pass: from here on the server may go.
  await once(request, 'continue')
  await configure(proxy, groupOf([]))
  request.end(JSON.stringify({ jsonrpc: '2.0', id: 'init', method: 'initialize', params: {} }))
  const [response] = await answered
  expect(await json(response)).toMatchObject({ id: 'init', error: { code: -32602 } })
})

test('a cancelled read of a URI that several servers may know gets no answer', async () => {
  using socket = await holdSocket()
  const CAPABILITIES = '{"resources":{}}'
  const mute = (name: string) => {
    const { transport } = stdioServer(name, 'mute-reads')
    return serverOf(name, { transport: { ...transport, env: { CAPABILITIES } } as Server['transport'] })
  }
  await using proxy = await startReadyProxy({ group: groupOf([mute('a'), mute('b')]), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  const read = session.ask('resources/read', { uri: 'unknown://1' }, 'r')
  await waitFor(() => proxy.log.filter((line) => line.includes('asked to read')).length === 2)
  await session.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'r' } })
  expect(await read).toEqual([])
})

test('few sessions still leave connections for probes, and a reload that allows more is in effect at once', async () => {
  using socket = await holdSocket()
  const limited = (maxSessions: number) => groupOf([], { limits: { maxBody: 1024, maxSessions } })
  await using proxy = await startReadyProxy({ group: limited(1), socket })
  const idle = async (count: number) => {
    const connections = Array.from({ length: count }, () => connectTcp(socket.port, socket.host))
    await Promise.all(connections.map((connection) => once(connection, 'connect')))
    return connections
  }
  const open = await idle(100)
  expect((await fetch(`${proxy.url}/livez`)).status).toBe(200)
  await configure(proxy, limited(1000))
  open.push(...(await idle(300)))
  expect((await fetch(`${proxy.url}/livez`, { headers: { connection: 'close' } })).status).toBe(200)
  for (const connection of open) connection.destroy()
})
