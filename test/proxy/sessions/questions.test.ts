import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'
import { textOf, type WireClient, wireClient } from './wire.ts'

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const servers = [
    stdioServer('u', 'urls'),
    stdioServer('e', 'echo'),
    stdioServer('other', 'echo'),
    stdioServer('s', 'echo'),
  ]
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const open = (capabilities = {}) => wireClient(`${proxy.url}/mcp`, capabilities)
const call = (client: WireClient, name: string, args = {}, id?: number) =>
  client.ask('tools/call', { name, arguments: args }, id)
const both = { sampling: {}, elicitation: { form: {}, url: {} } }

test('that an elicitation is complete reaches who was asked it, and nobody else', async () => {
  await using mine = await open(both)
  await using other = await open(both)
  const asking = call(mine, 'u_visit', { elicitationId: 'id-1' })
  await waitFor(() => mine.questions().length === 1)
  await asking
  await call(other, 'u_visited', { elicitationId: 'id-1' })
  await call(other, 'u_visited', { elicitationId: 'unknown' })
  await waitFor(() => mine.heard.some(({ method }) => method === 'notifications/elicitation/complete'))
  expect(mine.heard.filter(({ method }) => method === 'notifications/elicitation/complete')).toEqual([
    { jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: 'id-1', zz: 1 } },
  ])
  expect(other.heard).toEqual([])
})

test('a refusal that asks to visit a URL passes as it is, and its completion comes back', async () => {
  await using mine = await open(both)
  await using other = await open(both)
  const { error } = await call(mine, 'u_must-visit', { elicitationId: 'id-2' })
  expect(error).toMatchObject({ code: -32042, data: { elicitations: [{ elicitationId: 'id-2' }], zz: 1 } })
  await call(other, 'u_visited', { elicitationId: 'id-2' })
  await waitFor(() => mine.heard.length === 1)
  expect(mine.heard).toMatchObject([{ params: { elicitationId: 'id-2' } }])
  expect(other.heard).toEqual([])
})

test('calls of one client may overlap while its server asks it', async () => {
  await using mine = await open(both)
  const slow = call(mine, 'e_slow', { ms: 300 })
  const asking = call(mine, 'e_ask', { method: 'sampling/createMessage', params: { x: 1 } })
  const question = await waitFor(() => mine.questions()[0])
  await slow
  expect(mine.heard.filter(({ method }) => method === 'notifications/cancelled')).toEqual([])
  await mine.answer(question, { said: 'yes' })
  expect(textOf(await asking)).toContain('yes')
})

test('a server that asks without saying whom serves one client at a time from then on', async () => {
  await using mine = await open(both)
  await using other = await open(both)
  // The first time may come as a surprise; here it is alone.
  const first = call(mine, 'other_ask', { method: 'sampling/createMessage' })
  await mine.answer(await waitFor(() => mine.questions()[0]), { said: 'once' })
  await first
  const asking = [mine, other].map((client, i) =>
    call(client, 'other_ask', { method: 'sampling/createMessage', params: { i } }),
  )
  for (const [i, client] of [mine, other].entries()) {
    const question = await waitFor(() => client.questions().find(({ params }) => params?.i === i))
    // What the client calls to be able to answer does not wait for the answer.
    expect(textOf(await call(client, 'other_echo', { text: `nested ${i}` }))).toBe(`nested ${i}`)
    await client.answer(question, { said: `by ${i}` })
  }
  expect((await Promise.all(asking)).map(textOf)).toEqual(['{"said":"by 0"}', '{"said":"by 1"}'])
  expect(other.questions().some(({ params }) => params?.i === 0)).toBe(false)
})

test('a question is withdrawn when its call is cancelled', async () => {
  await using mine = await open(both)
  const asking = call(mine, 'e_ask', { method: 'elicitation/create', params: { x: 1 } }, 7)
  const question = await waitFor(() => mine.questions()[0])
  await mine.tell('notifications/cancelled', { requestId: 7, reason: 'never mind' })
  const { params } = await waitFor(() => mine.heard.find(({ method }) => method === 'notifications/cancelled'))
  expect(params?.requestId).toBe(question.id)
  expect(await asking).toEqual({})
  const seen = await waitFor(async () => {
    const text = textOf(await call(mine, 'e_cancelled'))
    return text.includes('never mind') ? text : ''
  })
  expect(JSON.parse(seen)).toMatchObject([{ reason: 'never mind' }])
})

test('once the server has read that a call is cancelled it may ask whoever else calls it', async () => {
  await using mine = await open(both)
  await using other = await open(both)
  const never = call(mine, 's_never', {}, 7)
  await waitFor(async () => textOf(await call(other, 's_echo', { text: 'x' })) === 'x')
  await mine.tell('notifications/cancelled', { requestId: 7, reason: 'never mind' })
  await never
  await waitFor(async () => textOf(await call(other, 's_cancelled')).includes('never mind'))
  const asking = call(other, 's_ask', { method: 'sampling/createMessage', params: { x: 1 } })
  await other.answer(await waitFor(() => other.questions()[0]), { said: 'yes' })
  expect(textOf(await asking)).toContain('yes')
  expect(mine.questions()).toEqual([])
})

test('a cancellation that comes late, or for what cannot be cancelled, changes nothing', async () => {
  await using mine = await open(both)
  await call(mine, 'e_echo', { text: 'x' }, 8)
  for (const requestId of [8, 'init', 'unknown', null]) await mine.tell('notifications/cancelled', { requestId })
  expect(textOf(await call(mine, 'e_echo', { text: 'still' }))).toBe('still')
  expect(textOf(await call(mine, 'e_cancelled'))).not.toContain('"reason":"Cancelled by the client"')
})

test('a call cancelled while it waits for its turn is never sent', async () => {
  await using mine = await open(both)
  await using other = await open(both)
  const first = call(mine, 'other_ask', { method: 'sampling/createMessage' })
  const question = await waitFor(() => mine.questions()[0])
  let answer: unknown
  const waiting = call(other, 'other_echo', { text: 'turn' }, 9).then((one) => {
    answer = one
  })
  await waitFor(async () => {
    await other.tell('notifications/cancelled', { requestId: 9 })
    return answer
  })
  await waiting
  expect(answer).toEqual({})
  await mine.answer(question, {})
  await first
  expect(textOf(await call(mine, 'other_echo', { text: 'goes on' }))).toBe('goes on')
  expect(textOf(await call(mine, 'other_cancelled'))).toBe('[]')
})

test('a ping is answered here, whatever the server does', async () => {
  await using mine = await open()
  void call(mine, 'e_never')
  expect((await mine.ask('ping')).result).toEqual({})
})

test('a server’s ping is answered, and reaches nobody', async () => {
  await using mine = await open()
  expect(textOf(await call(mine, 'e_ask', { method: 'ping' }))).toBe('{}')
  expect(mine.heard).toEqual([])
})

test.each([
  ['tools', { sampling: {} }, { tools: [] }, -32602],
  ['tools', { sampling: { tools: {} } }, { tools: [] }, undefined],
  ['a task', { sampling: {}, tasks: { requests: { sampling: { createMessage: {} } } } }, { task: {} }, undefined],
])('sampling with %s of a client with %j', async (_title, capabilities, params, code) => {
  await using mine = await open(capabilities)
  const asking = call(mine, 's_ask', { method: 'sampling/createMessage', params })
  if (code === undefined) {
    const question = await waitFor(() => mine.questions()[0])
    // The shared session declares no tasks of its clients: the wish for one is not passed on.
    expect(question.params).not.toHaveProperty('task')
    await mine.answer(question, { said: 'x' })
  }
  expect(textOf(await asking)).toContain(code === undefined ? 'said' : String(code))
})
