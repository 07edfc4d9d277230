import { expect, test } from 'vitest'
import { isError, type RpcRequest, type RpcResponse } from '../../../src/proxy/mcp/rpc.ts'
import { startFixture } from '../../helpers/fixture.ts'
import { waitFor } from '../../helpers/wait.ts'
import { exchange, http, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'

const sampled = (request: RpcRequest): Promise<RpcResponse> =>
  Promise.resolve({ jsonrpc: '2.0', id: request.id, result: { role: 'assistant', asked: request.params ?? {} } })

test('gives each client its own progress token back, in order', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const tokens = ['same', 'same', 1, undefined]
  const calls = tokens.map((progressToken) => toolCall('progress', { steps: 3 }, { progressToken }))
  await Promise.all(calls.map((call) => fixture.upstream.call(call)))
  const seen = calls.map((call) => call.notifications.map(({ params }) => [params?.progressToken, params?.progress]))
  const steps = (token: unknown): unknown[] => [1, 2, 3].map((step) => [token, step])
  expect(seen).toEqual([steps('same'), steps('same'), steps(1), []])
})

test('U-03: ends a silent call, tells the server, and drops the late answer', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo'), { timeouts: { request: 500 } }))
  const { upstream } = fixture
  await expect(upstream.call(toolCall('slow', { ms: 900 }))).rejects.toMatchObject({
    code: -31002,
    message: 'Server "fixture" did not answer within 500 ms',
    facts: { upstream: 'fixture', kind: 'upstream_timeout', retryable: true },
  })
  expect(textOf(await upstream.call(toolCall('cancelled')))).toContain('timeout after 500 ms')
  for (let i = 0; i < 3; i++) expect(textOf(await upstream.call(toolCall('slow', { ms: 200 })))).toBe('done')
  expect(upstream.restarts).toBe(0)
})

test('does not hold a slow start against the limit of calls', async () => {
  const server = serverOf(stdio('echo', { START_DELAY: '600' }), { timeouts: { request: 300, max: 300 } })
  await using fixture = await observeReady(server)
  expect(fixture.upstream.state).toBe('ready')
})

test('lets progress reset the silence, but not the longest life', async () => {
  const timeouts = { request: 600, max: 2000 }
  await using fixture = await observeReady(serverOf(stdio('echo'), { timeouts }))
  const { upstream } = fixture
  const meta = { progressToken: 't' }
  expect(textOf(await upstream.call(toolCall('progress', { steps: 9, ms: 100 }, meta)))).toBe('done')
  await expect(upstream.call(toolCall('progress', { steps: 100, ms: 100 }, meta))).rejects.toMatchObject({
    code: -31002,
    message: 'Server "fixture" did not answer within 2000 ms',
  })
})

test('does not count the time a person needs to answer as silence', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo'), { timeouts: { request: 500 } }))
  const person = (request: RpcRequest): Promise<RpcResponse> =>
    new Promise((resolve) => setTimeout(() => resolve(sampled(request)), 1200))
  const call = toolCall('ask', { method: 'elicitation/create' }, undefined, person)
  expect(textOf(await fixture.upstream.call(call))).toContain('assistant')
})

test('waits for ever when the timeouts are off', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo'), { timeouts: { request: 'off', max: 'off' } }))
  expect(textOf(await fixture.upstream.call(toolCall('slow', { ms: 300 })))).toBe('done')
})

test.each(['stdio', 'http'])('passes a cancellation on over %s and drops what comes late', async (kind) => {
  await using server = await startFixture('http', [], { ANSWER: 'sse' })
  await using fixture = await observeReady(serverOf(kind === 'http' ? http(server.address) : stdio('echo')))
  const { upstream } = fixture
  const call = toolCall('slow', { ms: 300 })
  const cancelled = expect(upstream.call(call)).rejects.toMatchObject({ facts: { kind: 'cancelled' } })
  await waitFor(async () => textOf(await upstream.call(toolCall('echo', { text: 'sent' }))) === 'sent')
  call.abort('changed my mind')
  await cancelled
  await waitFor(async () => textOf(await upstream.call(toolCall('cancelled'))).includes('changed my mind'))
})

test('does not ask the server for a client that is gone already', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const call = toolCall('echo')
  call.abort('gone')
  await expect(fixture.upstream.call(call)).rejects.toMatchObject({ facts: { kind: 'cancelled' } })
})

test.each(['stdio', 'http'])('asks the one client in flight over %s', async (kind) => {
  await using server = await startFixture('http', [], { ANSWER: 'sse' })
  await using fixture = await observeReady(serverOf(kind === 'http' ? http(server.address) : stdio('echo')))
  const call = toolCall('ask', { method: 'sampling/createMessage', params: { zz: 1 } }, undefined, sampled)
  expect(JSON.parse(textOf(await fixture.upstream.call(call)))).toEqual({ role: 'assistant', asked: { zz: 1 } })
})

test('U-39: knows by the stream which of two clients is asked', async () => {
  await using server = await startFixture('http', [], { ANSWER: 'sse' })
  await using fixture = await observeReady(serverOf(http(server.address)))
  const calls = ['a', 'b'].map((who) =>
    toolCall('ask', { method: 'elicitation/create', params: { who } }, undefined, sampled),
  )
  const answers = await Promise.all(calls.map((call) => fixture.upstream.call(call)))
  expect(answers.map((answer) => JSON.parse(textOf(answer)).asked)).toEqual([{ who: 'a' }, { who: 'b' }])
  expect(calls.map(({ requests }) => requests.length)).toEqual([1, 1])
})

test('U-39: asks nobody when it is not certain who is meant', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const bystander = toolCall('slow', { ms: 500 }, undefined, sampled)
  const other = fixture.upstream.call(bystander)
  const call = toolCall('ask', { method: 'sampling/createMessage' }, undefined, sampled)
  expect(textOf(await fixture.upstream.call(call))).toContain('No client this request certainly belongs to')
  await other
  expect([...bystander.requests, ...call.requests]).toEqual([])
})

test('asks the client that waits for the result of the task', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const waiting = exchange('tasks/result', { taskId: 't1' }, sampled)
  const result = upstream.call(waiting)
  const _meta = { 'io.modelcontextprotocol/related-task': { taskId: 't1' } }
  const call = toolCall('ask', { method: 'elicitation/create', params: { _meta } })
  expect(textOf(await upstream.call(call))).toContain('assistant')
  expect(waiting.requests).toHaveLength(1)
  expect(await result).toMatchObject({ result: { taskId: 't1' } })
})

const taskStatus = { jsonrpc: '2.0', method: 'notifications/tasks/status', params: { taskId: 't1', status: 'working' } }

test('tells the state of a task to whoever waits for its result, else to nobody in particular', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const waiting = exchange('tasks/result', { taskId: 't1' })
  const result = upstream.call(waiting)
  const bystander = toolCall('raw', { messages: [taskStatus] })
  await upstream.call(bystander)
  await result
  expect([waiting.notifications, bystander.notifications]).toEqual([[taskStatus], []])
  await upstream.call(toolCall('raw', { messages: [taskStatus] }))
  expect(fixture.notifications).toEqual([taskStatus])
})

test('tells that all is done on a page to the call that was sent there, else to nobody in particular', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')), { timing: { queue: 50 } })
  const { upstream } = fixture
  const params = { mode: 'url', elicitationId: 'e1', url: 'https://example.com/' }
  const ask = { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params }
  const complete = { jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: 'e1' } }
  const call = toolCall('raw', { messages: [ask], silent: true }, undefined, sampled)
  const answer = upstream.call(call).catch(() => {})
  await waitFor(() => call.requests.length === 1)
  const bystander = toolCall('raw', { messages: [complete] })
  await upstream.call(bystander)
  expect([call.notifications, bystander.notifications]).toEqual([[complete], []])
  call.abort('enough')
  await answer
  await upstream.call(toolCall('raw', { messages: [complete] }))
  expect(fixture.notifications).toEqual([complete])
})

test.each([0, -1, '', 'x', 2 ** 53 - 1, 1.5])('answers a question under its own id %j', async (id) => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const messages = [{ jsonrpc: '2.0', id, method: 'elicitation/create' }]
  const call = toolCall('raw', { messages, silent: true }, undefined, sampled)
  const answer = fixture.upstream.call(call).catch(() => {})
  const answers = async () => JSON.parse(textOf(await fixture.upstream.call(toolCall('answers'))))
  await waitFor(async () => (await answers()).length === 1)
  expect((await answers())[0].id).toBe(id)
  call.abort('enough')
  await answer
})

test('answers a ping of the server itself', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  expect(textOf(await fixture.upstream.call(toolCall('ask', { method: 'ping' })))).toBe('{}')
})

test('answers the server with an error when the client refuses', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const call = toolCall('ask', { method: 'sampling/createMessage' })
  expect(JSON.parse(textOf(await fixture.upstream.call(call)))).toEqual({ code: -32603, message: 'Internal error' })
})

test('gives a log message of the only call in flight to its client, others to everybody', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const call = toolCall('log', { data: 'mine' })
  await upstream.call(call)
  expect(call.notifications.map(({ params }) => params?.data)).toEqual(['mine'])
  const calls = [toolCall('slow', { ms: 200 }), toolCall('log', { data: 'whose?' })]
  await Promise.all(calls.map((one) => upstream.call(one)))
  expect(calls.flatMap(({ notifications }) => notifications)).toEqual([])
  expect(fixture.notifications.map(({ params }) => params?.data)).toEqual(['whose?'])
})

const other = { jsonrpc: '2.0', id: 4711, result: {} }
const own = { jsonrpc: '2.0', id: '$id', result: { content: [{ type: 'text', text: 'first' }] } }

test.each([
  ['an unknown id', [other], 'sent'],
  ['its answer twice', [own, own], 'first'],
  ['a message that is none', [{ hello: 'world' }, 5, 'text', []], 'sent'],
  ['an unknown progress token', [{ jsonrpc: '2.0', method: 'notifications/progress', params: {} }], 'sent'],
])('U-09: survives %s', async (_title, messages, text) => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  expect(textOf(await upstream.call(toolCall('raw', { messages })))).toBe(text)
  expect(textOf(await upstream.call(toolCall('echo', { text: 'fine' })))).toBe('fine')
  expect(upstream.restarts).toBe(0)
})

test('U-10: takes an id that became a string for the number it was', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const messages = [
    { ...own, id: ' $id'.trim() },
    { ...own, id: '0$id' },
  ]
  expect(textOf(await fixture.upstream.call(toolCall('raw', { messages, silent: true })))).toBe('first')
})

test.each([
  ['an error without id', [{ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'parse' } }], 'error -32700'],
  ['neither result nor error', [{ jsonrpc: '2.0', id: '$id' }], 'no JSON-RPC response'],
  ['result and error', [{ ...own, error: { code: 1, message: 'both' } }], 'error 1'],
  ['a result that is no object', [{ jsonrpc: '2.0', id: '$id', result: 5 }], 'the answer has no result'],
])('U-10: ends the call when it is answered with %s', async (_title, messages, text) => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const call = fixture.upstream.call(toolCall('raw', { messages, silent: true }))
  expect(await call.then(textOf, (error: Error) => error.message)).toContain(text)
})

test.each([
  ['2025-03-26', 'first'],
  ['2025-11-25', 'sent'],
])('U-42: takes a batch only where %s allows it', async (PROTOCOL, text) => {
  await using fixture = await observeReady(serverOf(stdio('echo', { PROTOCOL })))
  expect(textOf(await fixture.upstream.call(toolCall('raw', { messages: [[own]] })))).toBe(text)
})

test('refuses more calls than may wait', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')), { timing: { queue: 200 } })
  const calls = Array.from({ length: 64 + 256 + 1 }, () => fixture.upstream.call(toolCall('slow', { ms: 600 })))
  const outcomes = await Promise.allSettled(calls)
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  expect(refused).toHaveLength(257)
  expect(refused[0]).toMatchObject({ code: -31003, facts: { kind: 'overloaded', retryable: true, retryAfterMs: 200 } })
})

test('replays log level and subscriptions after a restart', async () => {
  const CAPABILITIES = '{"tools":{},"logging":{},"resources":{"subscribe":true}}'
  await using fixture = await observeReady(serverOf(stdio('echo', { CAPABILITIES })))
  const { upstream } = fixture
  await upstream.setLogLevel('debug')
  for (const uri of ['test://one', 'test://two']) expect(isError(await upstream.subscribe(uri))).toBe(false)
  await upstream.unsubscribe('test://two')
  await expect(upstream.call(toolCall('crash'))).rejects.toThrow()
  const state = JSON.parse(textOf(await upstream.call(toolCall('state'))))
  expect(state).toMatchObject({ level: 'debug', subscribed: ['test://one'] })
})

test('repeats a read on a server that crashed, but never a tool call', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const crash = expect(upstream.call(toolCall('crash'))).rejects.toMatchObject({ code: -31001 })
  const read = upstream.call(exchange('resources/read', { uri: 'test://one' }))
  await crash
  expect(await read).toMatchObject({ result: { contents: [{ uri: 'test://one' }] } })
})

test('the client’s progress on a question reaches the server before the answer', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const progress = { progressToken: 'of the server', progress: 1 }
  const call = toolCall('ask', { method: 'sampling/createMessage' }, undefined, (request, { progressed }) => {
    progressed({ jsonrpc: '2.0', method: 'notifications/progress', params: progress })
    return sampled(request)
  })
  await fixture.upstream.call(call)
  expect(JSON.parse(textOf(await fixture.upstream.call(toolCall('client-progress'))))).toEqual([progress])
})
