import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { connect, type Message } from '../../helpers/mcp.ts'
import { ask, requestOf, send } from '../../helpers/modern.ts'
import { configure, type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string
const servers = [stdioServer('one', 'all-features'), stdioServer('two', 'all-features')]

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
  url = `${proxy.url}/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const subscription = 'io.modelcontextprotocol/subscriptionId'

/** An open listen: what has come on its stream so far. */
async function listen(notifications: unknown, { address = url, id = 1 as unknown } = {}) {
  const response = await send(address, requestOf('subscriptions/listen', { notifications }, id))
  const seen: Message[] = []
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const read = async () => {
    let rest = ''
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const lines = (rest + part.value).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) seen.push(JSON.parse(line.slice(6)))
    }
  }
  const over = read()
  await waitFor(() => seen.length > 0)
  return {
    seen,
    response,
    over,
    methods: () => seen.map(({ method }) => method),
    [Symbol.asyncDispose]: async () => reader?.cancel(),
  }
}

const acknowledged = 'notifications/subscriptions/acknowledged'
const call = (name: string, args: unknown) => ask(url, 'tools/call', { name, arguments: args })

test.each([[7], ['seven'], [0]])('the first message, marked with the id %j, says what is honoured', async (id) => {
  const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
  const asked = { ...all, resourceSubscriptions: ['note://1', 'nobody://x'] }
  await using one = await listen(asked, { id })
  const { seen, response } = one
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  expect(seen[0]).toEqual({
    jsonrpc: '2.0',
    method: acknowledged,
    params: { notifications: { ...all, resourceSubscriptions: ['note://1'] }, _meta: { [subscription]: id } },
  })
})

test('a change of a list is told to who asked for it, once it is served', async () => {
  await using tools = await listen({ toolsListChanged: true }, { id: 't' })
  await using prompts = await listen({ promptsListChanged: true, toolsListChanged: false })
  await using alone = await listen({ toolsListChanged: true }, { address: `${proxy.url}/servers/one/mcp` })
  await call('two_grow', { name: 'grown' })
  await waitFor(() => tools.seen.length === 2)
  expect(tools.seen[1]).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: { _meta: { [subscription]: 't' } },
  })
  expect(JSON.stringify((await ask(url, 'tools/list')).result)).toContain('two_grown')
  expect([prompts.methods(), alone.methods()]).toEqual([[acknowledged], [acknowledged]])
})

test('an update is told by the URI that was asked for, to both eras', async () => {
  await using session = await connect(url)
  const uri = 'note://mcpctl.two/1'
  await session.client.subscribeResource({ uri })
  await using one = await listen({ resourceSubscriptions: [uri] }, { id: 'a' })
  await using other = await listen({ resourceSubscriptions: ['note://1'] })
  await call('two_update', { uri: 'note://1' })
  await waitFor(() => one.seen.length === 2)
  expect(one.seen[1]).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri, _meta: { [subscription]: 'a' } },
  })
  await call('one_update', { uri: 'note://1' })
  await waitFor(() => other.seen.length === 2)
  expect(one.seen).toHaveLength(2)
})

test('log messages and progress are not told on a listen', async () => {
  await using one = await listen({ toolsListChanged: true })
  const { methods } = one
  await call('one_log', { levels: ['error'] })
  await call('one_grow', { name: 'later' })
  await waitFor(() => methods().length === 2)
  expect(methods()).toEqual([acknowledged, 'notifications/tools/list_changed'])
})

test('a client that closes its stream makes room for another one', async () => {
  using own = await holdSocket()
  const limits = { maxBody: 100_000, maxSessions: 2 }
  await using small = await startReadyProxy({ group: groupOf(servers.slice(0, 1), { limits }), socket: own })
  const address = `${small.url}/mcp`
  const asked = { notifications: { toolsListChanged: true } }
  const closing = await listen(asked.notifications, { address })
  await using _kept = await listen(asked.notifications, { address })
  const refused = await send(address, requestOf('subscriptions/listen', asked, 9))
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30'])
  expect(await refused.json()).toMatchObject({ id: 9, error: { code: -31003, data: { mcpctl: { retryable: true } } } })
  await closing[Symbol.asyncDispose]()
  await waitFor(async () => {
    const again = await send(address, requestOf('subscriptions/listen', asked))
    await again.body?.cancel()
    return again.status === 200
  })
})

test('what nothing of can be honoured is acknowledged so and ends', async () => {
  await using one = await listen({ resourceSubscriptions: ['nobody://x'] })
  const { seen, over } = one
  await over
  expect(seen).toMatchObject([
    { method: acknowledged, params: { notifications: {} } },
    { id: 1, result: { resultType: 'complete', _meta: { [subscription]: 1 } } },
  ])
})

test('a proxy that drains ends its listens in peace', async () => {
  using own = await holdSocket()
  await using small = await startReadyProxy({ group: groupOf([stdioServer('one', 'all-features')]), socket: own })
  await using one = await listen({ toolsListChanged: true }, { id: 'last', address: `${small.url}/mcp` })
  const { seen, over } = one
  small.send({ type: 'drain', graceMs: 1000, handOver: false })
  await over
  expect(seen.at(-1)).toMatchObject({
    id: 'last',
    result: {
      resultType: 'complete',
      _meta: { [subscription]: 'last', 'io.modelcontextprotocol/serverInfo': { name: 'mcpctl' } },
    },
  })
})

test('a listen of a server that leaves the group ends in peace', async () => {
  using own = await holdSocket()
  await using small = await startReadyProxy({ group: groupOf(servers), socket: own })
  await using gone = await listen({ toolsListChanged: true }, { address: `${small.url}/servers/two/mcp` })
  await using kept = await listen({ toolsListChanged: true }, { address: `${small.url}/servers/one/mcp` })
  await configure(small, groupOf(servers.slice(0, 1)))
  await gone.over
  expect(gone.seen.at(-1)).toMatchObject({ id: 1, result: { resultType: 'complete' } })
  expect(kept.seen).toHaveLength(1)
})

test('a server that does not answer is not waited for: the rest is honoured without it', async () => {
  using own = await holdSocket()
  const mute = stdioServer('mute', 'mute-subscriptions')
  await using small = await startReadyProxy({ group: groupOf([mute, ...servers]), socket: own })
  const asked = { toolsListChanged: true, resourceSubscriptions: ['test://one', 'note://1'] }
  await using one = await listen(asked, { address: `${small.url}/mcp` })
  const notifications = { toolsListChanged: true, resourceSubscriptions: ['note://1'] }
  expect(one.seen[0]).toMatchObject({ method: acknowledged, params: { notifications } })
})

test.each([
  [undefined],
  ['all'],
  [{ toolsListChanged: 'yes' }],
  [{ resourceSubscriptions: 'note://1' }],
  [{ resourceSubscriptions: [1] }],
  [{ resourceSubscriptions: Array.from({ length: 1001 }, (_, i) => `note://${i}`) }],
])('the filter %j is refused', async (notifications) => {
  const response = await send(url, requestOf('subscriptions/listen', { notifications }))
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ id: 1, error: { code: -32602 } })
})
