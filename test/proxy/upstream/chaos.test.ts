import { expect, test } from 'vitest'
import { isError } from '../../../src/proxy/mcp/rpc.ts'
import { type ChaosScript, chaosCommand, chaosServer } from '../../helpers/chaos.ts'
import { http, observe, observeReady, serverOf, toolCall } from './harness.ts'

// The chaos server does what its script says: what the other tests rely on.

const overStdio = (script: ChaosScript) =>
  serverOf({ kind: 'stdio', ...chaosCommand(script), env: {}, cwd: process.cwd() })

test.each<[string, ChaosScript]>([
  ['a result', { on: [{ on: 'tools/call', result: { content: [] } }] }],
  ['an error', { on: [{ on: 'tools/call', error: { code: -32050, message: 'as told' } }] }],
  ['a large result', { on: [{ on: 'tools/call:echo', bytes: 100_000 }] }],
  ['raw text', { on: [{ on: 'tools/call', write: '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}\n' }] }],
])('it answers over stdio with %s', async (_what, script) => {
  await using observed = await observeReady(overStdio(script))
  const answer = await observed.upstream.call(toolCall('echo'))
  expect(isError(answer) ? answer.error.message : 'result').toBe(script.on?.[0]?.error ? 'as told' : 'result')
})

test('it dies at the call it was told to, and counts them', async () => {
  await using observed = await observeReady(overStdio({ on: [{ on: 'tools/call', nth: 2, exit: 3 }] }))
  expect(await observed.upstream.call(toolCall('echo'))).toHaveProperty('result')
  await expect(observed.upstream.call(toolCall('echo'))).rejects.toThrow('Server "fixture"')
})

test('it ends right after the handshake', async () => {
  await using observed = observe(overStdio({ on: [{ on: 'notifications/initialized', exit: 0 }] }))
  await observed.upstream.settled()
  expect(observed.upstream.state).not.toBe('ready')
})

test('over HTTP it takes scripts, forgets sessions and counts', async () => {
  await using chaos = await chaosServer('http', { answer: 'sse' })
  await using observed = await observeReady(serverOf(http(chaos.url)))
  expect(await observed.upstream.call(toolCall('echo', { text: 'x' }))).toHaveProperty('result')
  await chaos.forget()
  expect(await observed.upstream.call(toolCall('echo', { text: 'x' }))).toHaveProperty('result')
  await chaos.script({ on: [{ on: 'tools/call', status: 403 }] })
  await expect(observed.upstream.call(toolCall('echo'))).rejects.toThrow('Server "fixture"')
  expect(await chaos.stats()).toMatchObject({ initializes: 2, methods: { 'tools/call': 4 } })
})

test('it speaks HTTP+SSE', async () => {
  await using chaos = await chaosServer('sse', { on: [{ on: 'tools/call', nth: 2, never: true }] })
  await using observed = await observeReady(serverOf(http(chaos.url), { timeouts: { request: 200 } }))
  expect(await observed.upstream.call(toolCall('echo', { text: 'x' }))).toHaveProperty('result')
  await expect(observed.upstream.call(toolCall('echo'))).rejects.toThrow('Server "fixture"')
})
