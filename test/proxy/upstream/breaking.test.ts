import { expect, test } from 'vitest'
import { Retries } from '../../../src/proxy/upstream/retries.ts'
import type { ServerState } from '../../../src/shared/status.ts'
import { chaosCommand, chaosServer } from '../../helpers/chaos.ts'
import { gremlin } from '../../helpers/gremlin.ts'
import { isAlive } from '../../helpers/processes.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, type Observed, observe, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'
import { tinyServer } from './tiny.ts'

const opened = expect.stringMatching(/^circuit open after /)

/** So many calls, one after the other; resolves with how each was refused. */
async function callInARow({ upstream }: Observed, count: number, name = 'go'): Promise<readonly unknown[]> {
  const refusals: unknown[] = []
  for (let nth = 0; nth < count; nth++) await upstream.call(toolCall(name)).catch((error) => refusals.push(error))
  return refusals
}

test('after five calls in a row that failed on the way, the next are refused at once, and say until when', async () => {
  await using server = await tinyServer(({ method, res }) => {
    if (method !== 'tools/call') return false
    res.writeHead(502).end()
    return true
  })
  await using fixture = await observeReady(serverOf(http(server.url), { restart: { maxBackoff: 30_000 } }))
  await callInARow(fixture, 5)
  const [refusal] = await callInARow(fixture, 1)
  expect(refusal).toMatchObject({
    code: -31001,
    message: 'Server "fixture" is not available: circuit open after 5 failed calls in a row: HTTP 502',
    facts: { upstream: 'fixture', kind: 'upstream_unavailable', retryable: true, retryAfterMs: expect.any(Number) },
  })
  expect([fixture.upstream.state, fixture.upstream.lastError]).toEqual(['backoff', opened])
  expect(server.asked.filter((method) => method === 'tools/call')).toHaveLength(5)
})

test('what a tool says is no failure: errors of JSON-RPC and of tools never open the circuit', async () => {
  const error = { code: -32603, message: 'no' }
  const on = [
    { on: 'tools/call:echo', every: 2, error },
    { on: 'tools/call:echo', result: { content: [], isError: true } },
  ]
  await using server = await chaosServer('http', { on })
  await using fixture = await observeReady(serverOf(http(server.url)))
  expect(await callInARow(fixture, 30, 'echo')).toEqual([])
  expect(fixture.upstream.state).toBe('ready')
})

test('a ping of its own closes the circuit again, over the connection that was there, and no call of a client', async () => {
  await using server = await tinyServer(({ method, res }) => {
    if (method !== 'tools/call') return false
    res.writeHead(502).end()
    return true
  })
  await using fixture = await observeReady(serverOf(http(server.url), { restart: { maxBackoff: 300 } }))
  await callInARow(fixture, 5)
  const before = server.asked.length
  await waitFor(() => fixture.upstream.state === 'ready')
  expect(new Set(server.asked.slice(before))).toEqual(new Set(['ping']))
  expect(fixture.states).toEqual(['connecting', 'ready', 'backoff', 'ready'])
})

test('what is in flight when the circuit opens is answered', async () => {
  await using fixture = await observeReady(
    serverOf(stdio('echo'), { timeouts: { request: 400 }, restart: { maxBackoff: 30_000 } }),
  )
  const { upstream } = fixture
  const meta = { progressToken: 't' }
  const long = upstream.call(toolCall('progress', { steps: 8, ms: 100 }, meta))
  const silent = await Promise.allSettled(Array.from({ length: 5 }, () => upstream.call(toolCall('never'))))
  expect(silent.map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
  expect(upstream.state).toBe('backoff')
  expect(textOf(await long)).toBe('done')
})

test('a process that hangs is found out by the probe and replaced', async () => {
  const server = serverOf(stdio('echo'), { timeouts: { request: 200 }, restart: { maxBackoff: 300 } })
  const heartbeat = { every: 60_000, timeout: 300, misses: 1 }
  await using fixture = await observeReady(server, { timing: { heartbeat } })
  const first = fixture.upstream.pid ?? 0
  process.kill(first, 'SIGSTOP')
  await callInARow(fixture, 5, 'echo')
  expect([fixture.upstream.state, fixture.upstream.pid]).toEqual(['backoff', first])
  await waitFor(() => fixture.upstream.state === 'ready' && !isAlive(first))
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'back' })))).toBe('back')
})

test('calls do not wait for the probe of an open circuit', async () => {
  let connects = 0
  await using server = await tinyServer(({ res }) => {
    connects++
    if (connects <= 5) res.writeHead(502).end()
    return true
  })
  const restart = { backoff: 1, maxBackoff: 300 }
  await using fixture = observe(serverOf(http(server.url), { restart, timeouts: { connect: 60_000 } }))
  await waitFor(() => connects === 6)
  const [refusal] = await callInARow(fixture, 1)
  expect(refusal).toMatchObject({ code: -31001, facts: { retryAfterMs: expect.any(Number) } })
  expect([fixture.upstream.state, fixture.upstream.lastError]).toEqual(['backoff', opened])
})

test('U-22: a server that answers every call with 404 is initialised five times and then left alone', async () => {
  await using server = await tinyServer(({ method, res }) => {
    if (method !== 'tools/call') return false
    res.writeHead(404).end()
    return true
  })
  const restart = { backoff: 10, maxBackoff: 30_000 }
  await using fixture = await observeReady(serverOf(http(server.url), { restart }), { timing: { session: 0 } })
  const refusals = await callInARow(fixture, 40)
  expect(refusals).toHaveLength(40)
  expect(refusals.at(-1)).toMatchObject({ code: -31001, facts: { retryable: true } })
  expect(fixture.upstream.lastError).toBe('circuit open after 5 ends within a minute: the server forgot the session')
  expect(server.asked.filter((method) => method === 'initialize')).toHaveLength(5)
})

test('U-14: a process that crashes again and again is left alone after five starts', async () => {
  const transport = { ...stdio('echo'), ...chaosCommand({ exit: 1 }) }
  await using fixture = observe(serverOf(transport, { restart: { backoff: 1, maxBackoff: 30_000 } }))
  await waitFor(() => fixture.upstream.lastError?.startsWith('circuit open after 5 ends within a minute'))
  expect([fixture.upstream.restarts, fixture.upstream.state]).toEqual([4, 'backoff'])
})

test('U-32: a hundred servers that restart together come back four at a time', async () => {
  await using server = await chaosServer('http')
  await using way = await gremlin(server.url)
  const shared = {
    retries: new Retries({ perSecond: 160 }),
    timing: { heartbeat: { every: 50, timeout: 5000, misses: 1 } },
  }
  const fixtures = Array.from({ length: 100 }, () => observe(serverOf(http(way.url)), shared))
  await using _crowd = { [Symbol.asyncDispose]: () => closed(fixtures) }
  const every = (state: ServerState): boolean => fixtures.every(({ upstream }) => upstream.state === state)
  await waitFor(() => every('ready'), 30_000)
  way.isClosed = true
  way.reset()
  await waitFor(() => fixtures.every(({ states }) => states.includes('backoff')), 30_000)
  way.isClosed = false
  let most = 0
  await waitFor(() => {
    most = Math.max(most, fixtures.filter(({ upstream }) => upstream.state === 'connecting').length)
    return every('ready')
  }, 30_000)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(4)
})

async function closed(fixtures: readonly Observed[]): Promise<void> {
  await Promise.all(fixtures.map(({ upstream }) => upstream.close()))
}
