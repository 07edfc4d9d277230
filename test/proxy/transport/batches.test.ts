import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { messages, rawSession } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')]), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const session = (protocolVersion = '2025-03-26') => rawSession(`${proxy.url}/mcp`, { protocolVersion })
const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' })
const call = (id: unknown, name: string, args = {}) => {
  const params = { name: `one_${name}`, arguments: args, _meta: { progressToken: id } }
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
const response = { jsonrpc: '2.0', id: 'nobody-asked', result: {} }

test('requests and what needs no answer, mixed: one answer for each request', async () => {
  const answer = await (await session()).send([notification, ping(1), response, ping('2'), notification])
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
  const answers = [1, '2'].map((id) => ({ jsonrpc: '2.0', id, result: {} }))
  expect(await answer.json()).toEqual(answers)
})

test.each([[[notification]], [[response]], [[notification, response, notification]]])(
  'nothing that needs an answer, %j, is accepted',
  async (batch) => {
    const answer = await (await session()).send(batch)
    expect([answer.status, await answer.text()]).toEqual([202, ''])
  },
)

test('a batch of one is answered by a batch of one', async () => {
  expect(await (await (await session()).send([ping(1)])).json()).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }])
})

test('a message before the last answer makes it a stream of single messages', async () => {
  const answer = await (await session()).send([ping(1), call(2, 'progress', { steps: 2 }), call(3, 'echo')])
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const all = await messages(answer)
  expect(all.filter(({ method }) => method).map(({ params }) => params?.progressToken)).toEqual([2, 2])
  expect(all.flatMap(({ id }) => id ?? []).sort()).toEqual([1, 2, 3])
})

test('a cancellation in a batch finds the call before it, and the others are answered', async () => {
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
  const answer = await (await session()).send([call(1, 'never'), ping(2), cancel])
  expect(await answer.json()).toEqual([{ jsonrpc: '2.0', id: 2, result: {} }])
})

test('initialize has no place in a batch', async () => {
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
  const answer = await (await session()).send([initialize, ping(2)])
  expect(answer.headers.get('mcp-session-id')).toBeNull()
  expect(await answer.json()).toMatchObject([
    { id: 1, error: { code: -32600 } },
    { id: 2, result: {} },
  ])
  const alone = await rawSession(`${proxy.url}/mcp`)
  expect((await alone.send([initialize])).status).toBe(400)
})

test.each([
  ['no message at all', []],
  ['more than fifty', Array.from({ length: 51 }, (_, i) => ping(i))],
  ['something that is no message', [ping(1), 7]],
  ['a batch', [[ping(1)]]],
  ['an id that is null', [{ ...ping(1), id: null }]],
])('a batch with %s is refused as a whole', async (_what, batch) => {
  const answer = await (await session()).send(batch)
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ error: { code: -32600 } })
})

test.each(['2024-11-05', '2025-06-18', '2025-11-25'])('a session of %s has no batches', async (version) => {
  const answer = await (await session(version)).send([ping(1)])
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: -32600 } }])
})
