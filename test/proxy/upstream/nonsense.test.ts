import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { type ChaosScript, chaosCommand, chaosServer } from '../../helpers/chaos.ts'
import { isAlive } from '../../helpers/processes.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observe, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'
import { type Asked, tinyServer } from './tiny.ts'

function chaotic(script: ChaosScript, overrides: Parameters<typeof serverOf>[1] = {}): Server {
  return serverOf({ ...stdio('echo'), ...chaosCommand(script) }, overrides)
}

test('U-06: a banner, colours and warnings of npm before and between messages are skipped', async () => {
  const banner = '\u001b[1mWelcome\u001b[0m\nnpm warn deprecated\n\n[1/4] Resolving…\n{"level":"info"}\n'
  const on = [{ on: 'tools/call:echo', flood: { text: 'npm warn\n', times: 5 } }]
  await using fixture = await observeReady(chaotic({ banner: banner.repeat(10), on }))
  for (let i = 0; i < 20; i++) expect(textOf(await fixture.upstream.call(toolCall('echo', { text: i })))).toBe(`${i}`)
  const skipped = fixture.logs.filter(({ msg }) => String(msg).startsWith('skipped'))
  expect(skipped.length).toBeLessThanOrEqual(20)
})

test('U-07: a process that floods stdout with garbage is gone within 2 s, and its neighbours answer meanwhile', async () => {
  await using neighbour = await observeReady(serverOf(stdio('echo')))
  const slowest = async (isOver: () => boolean): Promise<number> => {
    const times: number[] = []
    while (!isOver() || times.length < 100) {
      const before = performance.now()
      await neighbour.upstream.call(toolCall('echo'))
      times.push(performance.now() - before)
    }
    return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0
  }
  const alone = await slowest(() => true)
  await using fixture = observe(serverOf(stdio('noisy', { GARBAGE: '1' }), { restart: { policy: 'never' } }))
  await waitFor(() => fixture.upstream.pid)
  const pid = fixture.upstream.pid ?? 0
  const begin = performance.now()
  const beside = await slowest(() => fixture.upstream.state === 'failed' && !isAlive(pid))
  expect(performance.now() - begin).toBeLessThan(2000)
  expect(fixture.upstream.lastError).toBe('stdout carries something else than MCP messages')
  // Twice what it is alone, and what a machine with other work to do may add.
  expect(beside).toBeLessThan(2 * alone + 50)
})

test('U-09: over HTTP too, answers to nobody are dropped and counted, and the connection stays', async () => {
  const other = { jsonrpc: '2.0', id: 4711, result: {} }
  const own = { jsonrpc: '2.0', id: '$id', result: { content: [{ type: 'text', text: 'first' }] } }
  const event = (message: object): string => `data: ${JSON.stringify(message).replace('"$id"', '$id')}\n\n`
  const write = event(other) + event(own) + event(own)
  await using server = await chaosServer('http', { answer: 'sse', on: [{ on: 'tools/call:echo', write }] })
  const fixture = await observeReady(serverOf(http(server.url)))
  expect(textOf(await fixture.upstream.call(toolCall('echo')))).toBe('first')
  expect(textOf(await fixture.upstream.call(toolCall('slow', { ms: 1 })))).toBe('done')
  expect((await server.stats()).initializes).toBe(1)
  await fixture.upstream.close()
  expect(fixture.logs).toContainEqual(expect.objectContaining({ msg: 'messages for nobody were dropped' }))
})

test('U-09: the answer to a cancelled call is dropped and counted', async () => {
  const fixture = await observeReady(serverOf(stdio('echo')))
  const call = toolCall('slow', { ms: 200 })
  const cancelled = expect(fixture.upstream.call(call)).rejects.toMatchObject({ facts: { kind: 'cancelled' } })
  call.abort('enough')
  await cancelled
  expect(textOf(await fixture.upstream.call(toolCall('slow', { ms: 400 })))).toBe('done')
  await fixture.upstream.close()
  expect(fixture.logs).toContainEqual(expect.objectContaining({ msg: 'messages for nobody were dropped' }))
})

test.each(['stdio', 'http'])('U-12: a result nested 100,000 deep over %s ends its own call at most', async (kind) => {
  const script: ChaosScript = { on: [{ on: 'tools/call:echo', depth: 100_000, nth: 1 }] }
  await using server = await chaosServer('http', script)
  await using fixture = await observeReady(kind === 'http' ? serverOf(http(server.url)) : chaotic(script))
  const { upstream } = fixture
  const other = upstream.call(toolCall('slow', { ms: 100 }))
  await Promise.allSettled([upstream.call(toolCall('echo'))])
  expect(textOf(await other)).toBe('done')
  expect(textOf(await upstream.call(toolCall('echo', { text: 'fine' })))).toBe('fine')
  expect([upstream.state, upstream.restarts]).toEqual(['ready', 0])
})

const missing = 'the answer to initialize has no protocolVersion or no capabilities'
const greeting = { protocolVersion: '2025-11-25', capabilities: {} }

test.each<[string, object, string]>([
  ['no object', { result: 'hi' }, 'the answer has no result'],
  ['an empty one', { result: {} }, missing],
  ['a version that is a number', { result: { ...greeting, protocolVersion: 5 } }, missing],
  ['no capabilities', { result: { protocolVersion: '2025-11-25' } }, missing],
  ['capabilities that are a list', { result: { ...greeting, capabilities: [] } }, missing],
  ['an error', { error: { code: -32603, message: 'not today' } }, 'initialize was refused: not today'],
  ['an error that is none', { error: 'no' }, 'the answer is no JSON-RPC response'],
  ['nothing but its own end', { exit: 0 }, 'the process ended with exit code 0'],
])('U-17: a handshake answered with %s is tried again later, and the reason is shown', async (_what, said, reason) => {
  await using fixture = observe(chaotic({ on: [{ on: 'initialize', ...said }] }, { restart: { backoff: 60_000 } }))
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'backoff'])
  expect(fixture.upstream.lastError).toBe(reason)
})

test.each(['1999-01-01', '2099-01-01'])(
  'U-16: a server that discovers %s alone fails with both lists',
  async (version) => {
    const result = { supportedVersions: [version], capabilities: {} }
    await using server = await tinyServer((asked) => asked.method === 'server/discover' && answer(asked, result))
    await using fixture = observe(serverOf(http(server.url), { restart: { backoff: 1, maxBackoff: 1 } }))
    await fixture.upstream.settled()
    const known = '2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28'
    expect(fixture.upstream.lastError).toBe(
      `no common protocol version: the server says ${version}, known are ${known}`,
    )
    expect(fixture.states).toEqual(['connecting', 'failed'])
    expect(server.asked).toEqual(['server/discover'])
  },
)

test('U-16: a version that nobody knows is not asked for again and again', async () => {
  await using folder = await tempFolder()
  const COUNT = `${folder.path}/starts`
  const server = serverOf(stdio('crash', { COUNT, PROTOCOL: '1999-01-01' }), { restart: { backoff: 1, maxBackoff: 1 } })
  await using fixture = observe(server)
  await using other = await observeReady(serverOf(stdio('echo')))
  await waitFor(() => fixture.upstream.state === 'failed')
  expect(textOf(await other.upstream.call(toolCall('slow', { ms: 300 })))).toBe('done')
  expect((await readFile(COUNT, 'utf8')).trim().split('\n')).toHaveLength(1)
})

test.each(['endless', 'repeat'] as const)(
  'U-19: a list whose pages turn %s leaves the old one in place',
  async (pages) => {
    await using fixture = await observeReady(chaotic({ tools: 3 }))
    const { upstream } = fixture
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }
    const on = [{ on: 'tools/call:echo', flood: { message: changed, times: 1 } }]
    await upstream.call(toolCall('chaos', { tools: 5, pages, on }))
    await upstream.call(toolCall('echo'))
    await waitFor(() => fixture.logs.some(({ problem }) => problem !== undefined))
    expect([upstream.listing?.tools.length, fixture.listed]).toEqual([3, 1])
  },
)

test('U-19: no more than 5,000 items are taken', async () => {
  await using many = await observeReady(chaotic({ tools: 6000 }))
  expect(many.upstream.listing?.tools).toHaveLength(5000)
  expect(many.logs).toContainEqual(expect.objectContaining({ problem: 'more than 5000 items' }))
})

test('U-19: no more than 16 MiB of lists are taken', async () => {
  const tools = Array.from({ length: 60 }, (_, nth) => ({
    name: `tool-${nth}`,
    description: 'x'.repeat(100 * 1024),
    inputSchema: { type: 'object' },
  }))
  let page = 0
  await using server = await tinyServer(
    (asked) => asked.method === 'tools/list' && answer(asked, { tools, nextCursor: `${++page}` }),
  )
  await using large = await observeReady(serverOf(http(server.url)))
  expect(large.upstream.listing?.tools).toHaveLength(120)
  expect(large.logs).toContainEqual(expect.objectContaining({ problem: 'the lists are larger than 16 MiB' }))
})

const flooding: readonly [string, object][] = [
  ['progress', { method: 'notifications/progress', params: { progressToken: '$token', progress: 1 } }],
  ['progress for nobody', { method: 'notifications/progress', params: { progressToken: 4711, progress: 1 } }],
  ['log messages', { method: 'notifications/message', params: { level: 'info', data: 'x' } }],
]

test.each(flooding)('U-38: a flood of %s is cut to what anybody can read, and counted', async (_what, message) => {
  const flood = { message: { jsonrpc: '2.0', ...message }, times: 30_000 }
  const fixture = await observeReady(chaotic({ on: [{ on: 'tools/call:slow', flood }] }))
  const { upstream, logs } = fixture
  const call = toolCall('slow', { ms: 700 }, { progressToken: 'mine' })
  const slow = upstream.call(call)
  await waitFor(() => logs.some(({ msg }) => String(msg).startsWith('the server says more than anybody can read')))
  expect(textOf(await upstream.call(toolCall('echo', { text: 'fine' })))).toBe('fine')
  expect(textOf(await slow)).toBe('done')
  expect(call.notifications.length + fixture.notifications.length).toBeLessThan(20_000)
  expect([upstream.state, upstream.restarts]).toEqual(['ready', 0])
  await upstream.close()
  const dropped = logs.find(({ msg }) => msg === 'messages of a flood were dropped')
  expect(dropped?.messages).toBeGreaterThan(5000)
})

test('U-40: a reply behind 100 MB of stderr arrives, and of those little is kept', async () => {
  const on = [
    { on: 'tools/call:echo', nth: 1, stderr: 100 * 1024 * 1024 },
    { on: 'tools/call:echo', stderr: 1024 },
  ]
  await using fixture = await observeReady(chaotic({ on }))
  const { upstream, logs } = fixture
  const before = performance.now()
  expect(textOf(await upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
  const lines = logs.filter(({ msg }) => msg === 'server stderr')
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.length).toBeLessThanOrEqual(200 * (2 + (performance.now() - before) / 1000))
  await waitFor(async () => {
    await upstream.call(toolCall('echo'))
    return logs.some(({ msg }) => /^\d+ lines of stderr suppressed$/.test(String(msg)))
  })
})

test.each(['stdin', 'stdout'] as const)(
  'U-41: a server that closes its %s but lives is replaced as a whole',
  async (pipe) => {
    const server = chaotic(
      { on: [{ on: 'tools/call:echo', close: pipe, never: true }] },
      { timeouts: { request: 100 } },
    )
    await using fixture = await observeReady(server)
    const { upstream } = fixture
    const first = upstream.pid ?? 0
    const calling = async (): Promise<boolean> => {
      await expect(upstream.call(toolCall('echo'))).rejects.toThrow()
      return upstream.restarts > 0
    }
    // What is written into a pipe that nobody reads any more tells.
    await waitFor(calling)
    await waitFor(() => upstream.state === 'ready' && !isAlive(first))
  },
)

const batch = (id: string): string =>
  `[{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"of a batch"}]}}]`

test.each([
  ['2025-03-26', 'of a batch'],
  ['2024-11-05', 'the answer is no JSON-RPC response'],
  ['2025-06-18', 'the answer is no JSON-RPC response'],
  ['2025-11-25', 'the answer is no JSON-RPC response'],
])('U-42: a batch over HTTP is an answer in %s: %s', async (protocol, expected) => {
  const body = batch('$id')
  const write = `data: ${body}\n\n`
  await using server = await chaosServer('http', { protocol, answer: 'sse', on: [{ on: 'tools/call:echo', write }] })
  await using fixture = await observeReady(serverOf(http(server.url), { timeouts: { request: 1000 } }))
  const said = await fixture.upstream.call(toolCall('echo')).then(textOf, (error: Error) => error.message)
  expect(said).toContain(expected)
})

test('U-44: every call to a server that stopped reading and then died is settled within a second', async () => {
  await using fixture = await observeReady(
    chaotic({ on: [{ on: 'tools/call:echo', nth: 1, deaf: true, never: true }] }),
  )
  const { upstream } = fixture
  const text = 'x'.repeat(1024 * 1024)
  const calls = Array.from({ length: 8 }, () => upstream.call(toolCall('echo', { text })))
  const settled = Promise.allSettled(calls)
  await waitFor(() => upstream.pid)
  process.kill(upstream.pid ?? 0, 'SIGKILL')
  const killed = performance.now()
  expect((await settled).map(({ status }) => status)).toEqual(Array(8).fill('rejected'))
  expect(performance.now() - killed).toBeLessThan(1000)
})

/** Answers in place of the server. */
function answer({ id, res }: Asked, result: object): true {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  return true
}
