import { expect, test } from 'vitest'
import { rawSession } from '../../helpers/mcp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { wireClient } from '../sessions/wire.ts'
import { ANSWERED, inFrontOf, type Script, scripted, type Way } from './scripted.ts'

const call = (args: object = {}) => ({ name: 's_go', arguments: args })
const can = { sampling: {}, elicitation: {} }

/** Its stream beside the requests, in the order sessions opened it; calls stay open until they are finished. */
function held() {
  const streams: Way[] = []
  const calls: Way[] = []
  const script: Script = {
    GET: (_message, way) => {
      way.response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.push(way)
      return ANSWERED
    },
    'tools/call': (_message, way) => {
      calls.push(way)
      return ANSWERED
    },
  }
  return { streams, calls, script }
}

test('U-39: server requests on a shared session: with two calls in flight, one asked aside is refused and reaches nobody', async () => {
  const { streams, calls, script } = held()
  await using server = await scripted(script)
  await using at = await inFrontOf({ s: server })
  await using mine = await wireClient(at.url, can)
  await using other = await wireClient(at.url, can)
  const asked = [mine, other].map((client) => client.ask('tools/call', call()))
  await waitFor(() => calls.length === 2)
  streams[0]?.event({ id: 'q', method: 'sampling/createMessage', params: {} })
  const refusal = await waitFor(() => server.got.find(({ message }) => message?.id === 'q'))
  expect(refusal.message?.error).toBeDefined()
  for (const { last } of calls) last({ content: [] })
  await Promise.all(asked)
  expect([...mine.questions(), ...other.questions()]).toEqual([])
})

test('server requests on a shared session: the stream a question came on says whose it is', async () => {
  const { calls, script } = held()
  await using server = await scripted(script)
  await using at = await inFrontOf({ s: server })
  const clients = [await wireClient(at.url, can), await wireClient(at.url, can)]
  const asked = []
  for (const [i, client] of clients.entries()) {
    asked.push(client.ask('tools/call', call()))
    await waitFor(() => calls.length === i + 1)
  }
  for (const [i, { event }] of calls.entries()) event({ id: i, method: 'elicitation/create', params: { for: i } })
  for (const [i, client] of clients.entries()) {
    const question = await waitFor(() => client.questions()[0])
    expect(question.params).toEqual({ for: i })
    await client.answer(question, { action: 'accept', content: { by: i } })
    const answer = await waitFor(() => server.got.find(({ message }) => message?.id === i && !message.method))
    expect(answer.message?.result).toEqual({ action: 'accept', content: { by: i } })
  }
  for (const { last } of calls) last({ content: [] })
  await Promise.all(asked)
  for (const client of clients) expect(client.questions()).toHaveLength(1)
  for (const client of clients) await client[Symbol.asyncDispose]()
})

test('server requests on a shared session: the stream beside the calls is open before the first of them', async () => {
  const { script } = held()
  await using server = await scripted({ ...script, 'tools/call': () => ({ content: [] }) })
  await using at = await inFrontOf({ s: server })
  const { ask } = await rawSession(at.url)
  await ask('tools/call', call())
  const order = server.got.map(({ verb, message }) => message?.method ?? verb)
  expect(order.indexOf('GET')).toBeGreaterThan(order.indexOf('notifications/initialized'))
  expect(order.indexOf('GET')).toBeLessThan(order.indexOf('tools/call'))
})

test('server requests on a shared session: a ping is answered for it, whoever is connected', async () => {
  const { streams, script } = held()
  await using server = await scripted(script)
  await using at = await inFrontOf({ s: server })
  await using client = await wireClient(at.url)
  await waitFor(() => streams[0])
  streams[0]?.event({ id: 'p', method: 'ping' })
  const pong = await waitFor(() => server.got.find(({ message }) => message?.id === 'p'))
  expect(pong.message?.result).toEqual({})
  expect((await client.ask('ping')).result).toEqual({})
  expect(server.heard('ping')).toEqual([])
  expect(client.heard).toEqual([])
})

test('shared state: a client with roots has its own session, declared as it is, and only that hears they changed', async () => {
  await using server = await scripted()
  await using at = await inFrontOf({ s: server })
  const capabilities = { roots: { listChanged: true }, experimental: { zz: {} } }
  await using mine = await wireClient(at.url, capabilities)
  await using other = await wireClient(at.url, capabilities)
  await using plain = await wireClient(at.url)
  for (const client of [mine, other, plain]) await client.ask('tools/call', call())
  const sessions = server.got.flatMap(({ headers, message }) =>
    message?.method === 'tools/call' ? [headers['mcp-session-id']] : [],
  )
  expect(new Set(sessions).size).toBe(3)
  expect(server.heard('initialize').map(({ params }) => params?.capabilities)).toContainEqual(capabilities)
  await mine.tell('notifications/roots/list_changed')
  const heard = () => server.got.filter(({ message }) => message?.method === 'notifications/roots/list_changed')
  await waitFor(() => heard().length > 0)
  await plain.ask('tools/call', call())
  expect(heard().map(({ headers }) => headers['mcp-session-id'])).toEqual([sessions[0]])
})

test('log levels: the shared server is told the most verbose level wanted, and each session hears only its own', async () => {
  await using server = await scripted(
    {
      'logging/setLevel': () => ({}),
      'tools/call': (_message, { event, last }) => {
        for (const level of ['debug', 'info', 'error'])
          event({ method: 'notifications/message', params: { level, data: level, zz: 1 } })
        last({ content: [] })
        return ANSWERED
      },
    },
    { capabilities: { tools: {}, logging: {} } },
  )
  await using at = await inFrontOf({ s: server })
  await using terse = await wireClient(at.url)
  await using chatty = await wireClient(at.url)
  await terse.ask('logging/setLevel', { level: 'error' })
  await chatty.ask('logging/setLevel', { level: 'debug' })
  await terse.ask('logging/setLevel', { level: 'warning' })
  expect(server.heard('logging/setLevel').at(-1)?.params).toEqual({ level: 'debug' })
  for (const client of [terse, chatty]) await client.ask('tools/call', call())
  const levels = ({ heard }: typeof terse) => heard.map(({ params }) => params?.data)
  expect(levels(terse)).toEqual(['error'])
  expect(levels(chatty)).toEqual(['debug', 'info', 'error'])
  expect((await terse.ask('logging/setLevel', { level: 'loud' })).error?.code).toBe(-32602)
})

test('log levels: what belongs to no call goes to sessions that set a level, and to no other', async () => {
  const { streams, script } = held()
  await using server = await scripted(
    { ...script, 'logging/setLevel': () => ({}) },
    { capabilities: { tools: {}, logging: {} } },
  )
  await using at = await inFrontOf({ s: server })
  await using silent = await wireClient(at.url)
  await using wants = await wireClient(at.url)
  await wants.ask('logging/setLevel', { level: 'info' })
  await waitFor(() => streams[0])
  for (const level of ['debug', 'error'])
    streams[0]?.event({ method: 'notifications/message', params: { level, data: level } })
  await waitFor(() => wants.heard.length > 0)
  await silent.ask('ping')
  expect(wants.heard.map(({ params }) => params?.data)).toEqual(['error'])
  expect(silent.heard).toEqual([])
})

test('subscriptions: one for all sessions, updates to subscribers alone, ended when the last session ends', async () => {
  const { streams, script } = held()
  await using server = await scripted(
    {
      ...script,
      'resources/list': () => ({ resources: [{ uri: 'a://1', name: 'one' }] }),
      'resources/subscribe': () => ({}),
      'resources/unsubscribe': () => ({}),
    },
    { capabilities: { tools: {}, resources: { subscribe: true } } },
  )
  await using at = await inFrontOf({ s: server })
  await using bystander = await wireClient(at.url)
  const first = await wireClient(at.url)
  const second = await wireClient(at.url)
  for (const client of [first, second]) await client.ask('resources/subscribe', { uri: 'a://1' })
  expect(server.heard('resources/subscribe')).toHaveLength(1)
  streams[0]?.event({ method: 'notifications/resources/updated', params: { uri: 'a://1', zz: 1 } })
  for (const { heard } of [first, second]) await waitFor(() => heard.some(({ params }) => params?.zz === 1))
  await first[Symbol.asyncDispose]()
  await second.ask('ping')
  expect(server.heard('resources/unsubscribe')).toEqual([])
  await second[Symbol.asyncDispose]()
  await waitFor(() => server.heard('resources/unsubscribe').length === 1)
  expect(bystander.heard).toEqual([])
})
