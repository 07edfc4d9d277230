import { expect, test } from 'vitest'
import { waitFor } from '../../helpers/wait.ts'
import { observe, observeReady, serverOf, stdio, toolCall } from './harness.ts'

test('lists every kind the server declares', async () => {
  const CAPABILITIES = '{"resources":{},"prompts":{}}'
  await using fixture = await observeReady(serverOf(stdio('echo', { CAPABILITIES })))
  expect(fixture.upstream.listing).toMatchObject({
    tools: [],
    resources: [{ uri: 'test://one', name: 'one' }],
    templates: [{ uriTemplate: 'test://item/{id}', name: 'item' }],
    prompts: [{ name: 'greet' }],
  })
})

test('follows pages to the end', async () => {
  await using fixture = await observeReady(serverOf(stdio('paging')))
  const names = fixture.upstream.listing?.tools.map(({ name }) => name)
  expect(names).toEqual(Array.from({ length: 25 }, (_, i) => `tool-${i}`))
})

test.each([
  ['pages that never end', 'endless', 100, 'more than 100 pages'],
  ['a cursor that repeats', 'repeat', 50, 'the same cursor twice'],
  ['a list that is refused', 'refuse', 0, 'error -32601'],
  ['a list that is none', 'bad', 0, 'no "tools" in the answer'],
])('U-18 U-19: survives %s', async (_title, PAGES, count, problem) => {
  await using fixture = await observeReady(serverOf(stdio('paging', { PAGES })))
  expect(fixture.upstream.listing?.tools).toHaveLength(count)
  expect(fixture.logs).toContainEqual(expect.objectContaining({ level: 'warn', problem }))
})

const known = '2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28'

test.each(['1999-01-01', '2099-01-01'])('U-16: fails on revision %s and says which are known', async (PROTOCOL) => {
  await using fixture = observe(serverOf(stdio('echo', { PROTOCOL })))
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'failed'])
  expect(fixture.upstream.lastError).toBe(`no common protocol version: the server says ${PROTOCOL}, known are ${known}`)
})

test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('accepts revision %s', async (PROTOCOL) => {
  await using fixture = await observeReady(serverOf(stdio('echo', { PROTOCOL })))
  expect(fixture.upstream.listing?.protocolVersion).toBe(PROTOCOL)
})

test('U-17: says what was wrong with the answer to initialize', async () => {
  await using fixture = observe(serverOf(stdio('echo', { CAPABILITIES: '[]' })))
  await fixture.upstream.settled()
  expect(fixture.upstream.state).toBe('backoff')
  expect(fixture.upstream.lastError).toBe('the answer to initialize has no protocolVersion or no capabilities')
})

test('puts changed lists in place and announces them once', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const before = upstream.listing?.tools.length ?? 0
  await upstream.call(toolCall('grow'))
  await waitFor(() => upstream.listing?.tools.length === before + 1)
  expect([fixture.listed, fixture.notifications]).toEqual([2, []])
})

test('does not announce a change that changed nothing', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo', { TOOLS: '1' })), { timing: { debounce: 1 } })
  const { upstream } = fixture
  const messages = [{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }]
  await upstream.call(toolCall('raw', { messages }))
  await upstream.call(toolCall('slow', { ms: 200 }))
  expect(fixture.listed).toBe(1)
})

test('keeps the old list when a new one is refused', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const count = upstream.listing?.tools.length
  await upstream.call(toolCall('spoil'))
  await waitFor(() => fixture.logs.some(({ problem }) => problem === 'error -32603'))
  expect([upstream.listing?.tools.length, fixture.listed]).toEqual([count, 1])
})

test('U-37: fetches once for a thousand announcements', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  await upstream.call(toolCall('grow', { times: 1000 }))
  await waitFor(() => fixture.listed === 2)
  await upstream.call(toolCall('grow', { times: 1000 }))
  await upstream.call(toolCall('slow', { ms: 300 }))
  // The second storm came within a second of the first fetch: its fetch is still to come.
  expect(fixture.listed).toBe(2)
  await waitFor(() => fixture.listed === 3)
})

test('shows a disabled server as such and never starts it', async () => {
  await using fixture = observe(serverOf(stdio('echo'), { enabled: false }))
  await fixture.upstream.settled()
  expect([fixture.states, fixture.upstream.pid]).toEqual([['disabled'], null])
  await expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({ facts: { retryable: false } })
})

test('hears of a change that comes while the first lists are being fetched', async () => {
  await using fixture = await observeReady(serverOf(stdio('late-change')))
  await waitFor(() => fixture.upstream.listing?.tools.some(({ name }) => name === 'late') === true)
})
