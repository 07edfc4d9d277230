import { expect, test } from 'vitest'
import { startFixture } from '../../helpers/fixture.ts'
import { freePort } from '../../helpers/ports.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observe, observeReady, serverOf, textOf, toolCall } from './harness.ts'

test.each(['auto', 'sse'] as const)('talks to a server that knows HTTP+SSE only, as "%s"', async (kind) => {
  await using server = await startFixture('legacy-sse')
  await using fixture = await observeReady(serverOf(http(server.address, { kind })))
  expect(fixture.upstream.transport).toBe('sse')
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
})

test('starts over when the event stream is dropped', async () => {
  await using server = await startFixture('legacy-sse')
  await using fixture = await observeReady(serverOf(http(server.address)))
  await fetch(new URL('/drop', server.address))
  await waitFor(() => fixture.states.at(-1) === 'ready' && fixture.states.length > 2)
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'again' })))).toBe('again')
})

test('gives up on a stream that never says where to post to', async () => {
  await using server = await startFixture('hanging')
  await using fixture = observe(serverOf(http(server.address, { kind: 'sse' }), { timeouts: { connect: 300 } }))
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toBe('not ready within 300 ms')
})

test('reports that nobody listens', async () => {
  const url = `http://127.0.0.1:${await freePort()}/sse`
  await using fixture = observe(serverOf(http(url, { kind: 'sse' })))
  await fixture.upstream.settled()
  expect(fixture.upstream.state).toBe('backoff')
  expect(fixture.upstream.lastError).not.toBeNull()
})

test('an event of a shape nobody knows fails nothing', async () => {
  await using server = await startFixture('sse')
  await using fixture = await observeReady(serverOf(http(server.address, { kind: 'sse' })))
  const strange = [{ jsonrpc: '2.0', id: 'nobody', error: { code: 1 } }, [], 7, null, { jsonrpc: '1.0' }, {}]
  expect(textOf(await fixture.upstream.call(toolCall('raw', { messages: strange })))).toBe('sent')
  const text = 'event: vendor\ndata: {nonsense\n\nevent: endpoint\ndata: http://127.0.0.1:1/\n\n'
  expect(textOf(await fixture.upstream.call(toolCall('write', { text })))).toBe('true')
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'still' })))).toBe('still')
  expect(fixture.states.filter((state) => state === 'ready')).toHaveLength(1)
})

test('an event that is not JSON fails the one call it can be the answer to, and nothing else', async () => {
  await using server = await startFixture('sse')
  await using fixture = await observeReady(serverOf(http(server.address, { kind: 'sse' })))
  const call = fixture.upstream.call(toolCall('write', { text: 'data: {nonsense\n\n' }))
  await expect(call).rejects.toThrow('an event is not JSON')
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'still' })))).toBe('still')
  expect(fixture.states.filter((state) => state === 'ready')).toHaveLength(1)
})

test('what a schema would drop comes through', async () => {
  await using server = await startFixture('sse')
  await using fixture = await observeReady(serverOf(http(server.address, { kind: 'sse' })))
  const answer = await fixture.upstream.call(toolCall('unusual'))
  expect(answer).toMatchObject({ result: { content: [{ type: 'text', text: 'x', zz: 1 }], extra: [null] } })
})

test('an event larger than 16 MiB ends the stream, with its reason, and the server is reached anew', async () => {
  await using server = await startFixture('sse')
  await using fixture = await observeReady(serverOf(http(server.address, { kind: 'sse' })))
  const call = fixture.upstream.call(toolCall('big', { bytes: 17 * 1024 * 1024 }))
  await expect(call).rejects.toThrow('an event is larger than 16 MiB')
  await waitFor(() => fixture.states.at(-1) === 'ready')
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'again' })))).toBe('again')
})

test('a large event passes', async () => {
  await using server = await startFixture('sse')
  await using fixture = await observeReady(serverOf(http(server.address, { kind: 'sse' })))
  const answer = await fixture.upstream.call(toolCall('big', { bytes: 12_000_000 }))
  expect(textOf(answer)).toHaveLength(12_000_000)
})

test.each([
  ['an endpoint of another origin', { ENDPOINT: 'http://127.0.0.1:1/steal' }, 'an endpoint that is not its own'],
  ['no session behind its endpoint', { STATUS: '404' }, 'forgot the session'],
  ['no access', { STATUS: '401' }, 'not authorized: HTTP 401 (set "headers" with valid credentials)'],
  ['forbidden access', { STATUS: '403' }, 'not authorized: HTTP 403'],
  ['a redirect', { STATUS: '307' }, 'redirected with HTTP 307'],
])('reports a server with %s', async (_what, env, message) => {
  await using server = await startFixture('sse', [], env)
  await using fixture = observe(serverOf(http(server.address, { kind: 'sse' })))
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toContain(message)
})

test('reports a URL that is something else', async () => {
  await using server = await startFixture('sse')
  await using fixture = observe(serverOf(http(new URL('/other', server.address).href, { kind: 'sse' })))
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toContain('no HTTP+SSE at this URL: HTTP 404')
})
