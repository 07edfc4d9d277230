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
