import { expect, test } from 'vitest'
import type { Outlet } from '../../../src/proxy/downstream/questions.ts'
import { Session } from '../../../src/proxy/downstream/session.ts'
import type { RpcNotification, RpcRequest } from '../../../src/proxy/mcp/rpc.ts'
import { Aborter } from '../../../src/shared/signal.ts'
import { growOld, oldSpace } from '../../helpers/heap.ts'

function open(capabilities: Record<string, unknown> = { sampling: {}, elicitation: {} }): Session {
  const facts = {
    sid: 's',
    server: undefined,
    version: '2025-11-25',
    clientInfo: {},
    group: 'g',
    principal: '',
  } as const
  return new Session('id', { ...facts, capabilities })
}

function outlet(isOpen = true) {
  const sent: { id: string; method: string; params: Record<string, unknown> }[] = []
  const send: Outlet['send'] = (body) => {
    if (isOpen) sent.push(JSON.parse(String(body)))
    return isOpen
  }
  return { isOpen, sent, send }
}

const sample: RpcRequest = { jsonrpc: '2.0', id: 7, method: 'sampling/createMessage', params: { x: 1 }, extra: [1] }
const silently = () => ({ signal: new AbortController().signal, progressed: () => {} })

test('a question goes out under an id of its own and the answer comes back as the client sent it', async () => {
  const session = open()
  const way = outlet()
  const asked = session.ask(sample, way, silently())
  const [question] = way.sent
  expect(question).toEqual({ ...sample, id: expect.stringMatching(/^[0-9a-f]{8}-1$/) })
  const answer = { jsonrpc: '2.0', id: question?.id ?? '', result: { any: 'thing' }, more: 1 } as const
  session.answer({ ...answer, id: 7 })
  session.answer(answer)
  expect(await asked).toEqual(answer)
})

test('two questions never share an id, also not with those of an earlier process', async () => {
  const ways = [outlet(), outlet()]
  for (const [i, session] of [open(), open()].entries())
    for (let n = 0; n < 2; n++) void session.ask(sample, ways[i] ?? outlet(), silently())
  const ids = ways.flatMap(({ sent }) => sent.map(({ id }) => id))
  expect(new Set(ids).size).toBe(4)
})

test.each([
  ['sampling/createMessage', {}, 'sampling'],
  ['elicitation/create', { sampling: {} }, 'elicitation'],
  ['roots/list', { sampling: {}, roots: true }, 'roots'],
])('%s is not asked of a client with %j', async (method, capabilities, missing) => {
  const way = outlet()
  await expect(open(capabilities).ask({ ...sample, method }, way, silently())).rejects.toMatchObject({
    code: -32601,
    message: `The client has not declared the capability ${missing}`,
  })
  expect(way.sent).toEqual([])
})

test('a request no specification knows is put to the client all the same', async () => {
  const way = outlet()
  void open({}).ask({ ...sample, method: 'vendor/ask' }, way, silently())
  expect(way.sent).toMatchObject([{ method: 'vendor/ask' }])
})

test('a client that is not there cannot be asked', async () => {
  await expect(open().ask(sample, outlet(false), silently())).rejects.toMatchObject({
    message: 'The client is not connected',
  })
})

test('a server that gives up its question lets the client know', async () => {
  const session = open()
  const way = outlet()
  const controller = new AbortController()
  const asked = session.ask(sample, way, { ...silently(), signal: controller.signal })
  controller.abort()
  await expect(asked).rejects.toMatchObject({ message: 'The request was cancelled' })
  const [question, withdrawal] = way.sent
  expect(withdrawal).toMatchObject({ method: 'notifications/cancelled', params: { requestId: question?.id } })
})

test('questions that pile up are refused', async () => {
  const session = open()
  for (let i = 0; i < 64; i++) void session.ask(sample, outlet(), silently())
  await expect(session.ask(sample, outlet(), silently())).rejects.toMatchObject({ message: /Too many/ })
})

test('the end of a session fails its questions and cancels its calls', async () => {
  const session = open()
  const call = new Aborter()
  session.calls.set(1, call)
  const asked = session.ask(sample, outlet(), silently())
  session.close('over')
  await expect(asked).rejects.toMatchObject({ message: 'over' })
  expect(call.signal.reason).toBe('over')
})

test.each([
  [{ requestId: 1 }, [true, false]],
  [{ requestId: '1', reason: 'enough' }, [false, true]],
  [{ requestId: 2 }, [false, false]],
  [{ requestId: null }, [false, false]],
  [undefined, [false, false]],
])('a cancellation of %j means exactly that id, its type included', (params, aborted) => {
  const session = open()
  const calls = [new Aborter(), new Aborter()] as const
  session.began(1, calls[0])
  session.began('1', calls[1])
  const about = params === undefined ? {} : { params }
  session.heard({ jsonrpc: '2.0', method: 'notifications/cancelled', ...about })
  expect(calls.map(({ signal }) => signal.aborted)).toEqual(aborted)
})

test.each([
  ['url', {}, 'refused'],
  ['url', { form: {} }, 'refused'],
  ['url', { form: {}, url: {} }, 'asked'],
  ['form', {}, 'asked'],
  ['form', { url: {} }, 'refused'],
  [undefined, {}, 'asked'],
])('an elicitation of mode %s is, of a client that declares %j, %s', async (mode, elicitation, expected) => {
  const way = outlet()
  const params = { message: 'who?', ...(mode !== undefined && { mode }) }
  const asked = open({ elicitation }).ask({ ...sample, method: 'elicitation/create', params }, way, silently())
  if (expected === 'refused') await expect(asked).rejects.toMatchObject({ code: -32602 })
  expect(way.sent).toHaveLength(expected === 'refused' ? 0 : 1)
})

test('progress of the client on a question reaches who asked, under the token it chose', () => {
  const session = open()
  const way = outlet()
  const told: RpcNotification[] = []
  const params = { _meta: { progressToken: 'mine', other: 1 } }
  void session.ask({ ...sample, params }, way, { ...silently(), progressed: (notification) => told.push(notification) })
  const [question] = way.sent
  expect(question?.params).toEqual({ _meta: { progressToken: question?.id, other: 1 } })
  const progress = (progressToken: unknown) =>
    session.heard({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } })
  progress('mine')
  progress(question?.id)
  expect(told.map(({ params }) => params)).toEqual([{ progressToken: 'mine', progress: 1 }])
})

test('calls that ended are not kept by a session that goes on', () => {
  const session = open()
  const calls: Aborter[] = []
  const call = (id: number) => {
    const begun = Object.assign(new Aborter(), { body: Array(100).fill(id) })
    calls.push(begun)
    session.began(id, begun)
    const ended = calls.length > 1 ? calls.shift() : undefined
    if (ended) session.ended(id - 1, ended)
    if (id % 1000 === 0) growOld()
  }
  for (let id = 0; id < 5_000; id++) call(id)
  const before = oldSpace()
  for (let id = 5_000; id < 25_000; id++) call(id)
  expect((oldSpace() - before) / 20_000).toBeLessThan(25)
})
