import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { messages } from '../../helpers/mcp.ts'
import { ask, requestOf, send } from '../../helpers/modern.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string
let alone: string
const servers = [stdioServer('one', 'all-features'), stdioServer('two', 'all-features')]

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
  url = `${proxy.url}/mcp`
  alone = `${proxy.url}/servers/one/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const serverInfo = 'io.modelcontextprotocol/serverInfo'
const textOf = ({ result }: { readonly result?: unknown }) =>
  (result as { content: { text: string }[] }).content[0]?.text

test('server/discover says what all servers can do, whose instructions are whose, and who answers', async () => {
  const { result } = await ask(url, 'server/discover')
  expect(result).toMatchObject({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      logging: {},
      completions: {},
    },
    instructions: '## one\n\nBe kind.\n\n## two\n\nBe kind.',
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [serverInfo]: { name: 'mcpctl', title: 'test local' } },
  })
})

test('on a server’s own address server/discover is in the server’s own words', async () => {
  const { result } = await ask(alone, 'server/discover')
  expect(result).toMatchObject({
    instructions: 'Be kind.',
    _meta: { [serverInfo]: { name: 'all-features', version: '1.0.0' } },
  })
})

test.each([
  ['tools/list', 'tools', 'name', ['one_echo', 'two_echo']],
  ['prompts/list', 'prompts', 'name', ['one_greet', 'two_greet']],
  ['resources/list', 'resources', 'uri', ['note://1', 'note://mcpctl.two/1']],
  ['resources/templates/list', 'resourceTemplates', 'uriTemplate', ['item://{id}', 'item://mcpctl.two/{id}']],
])('%s has the items of all servers and says that none of it may be kept', async (method, field, key, some) => {
  const { result } = await ask(url, method)
  const { [field]: items, ...rest } = result as { [field: string]: Record<string, string>[] }
  expect(items?.map((item) => item[key])).toEqual(expect.arrayContaining(some))
  expect(rest).toEqual({
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [serverInfo]: expect.objectContaining({ name: 'mcpctl' }) },
  })
})

test('a list of a server’s own address is signed by the server', async () => {
  const { result } = await ask(alone, 'tools/list')
  expect(result?._meta).toEqual({ [serverInfo]: { name: 'all-features', version: '1.0.0' } })
})

test('calls, prompts, resources and completion lead to their server', async () => {
  expect(textOf(await ask(url, 'tools/call', { name: 'two_echo', arguments: { a: 1 } }))).toBe('{"a":1}')
  expect(textOf(await ask(alone, 'tools/call', { name: 'echo', arguments: { a: 2 } }))).toBe('{"a":2}')
  expect((await ask(url, 'prompts/get', { name: 'one_greet', arguments: { who: 'you' } })).result).toMatchObject({
    messages: [{ content: { text: 'Hello you' } }],
  })
  expect((await ask(url, 'resources/read', { uri: 'note://mcpctl.two/1' })).result).toMatchObject({
    contents: [{ uri: 'note://mcpctl.two/1' }],
  })
  const ref = { type: 'ref/prompt', name: 'one_greet' }
  const completed = await ask(url, 'completion/complete', { ref, argument: { name: 'who', value: 'A' } })
  expect(completed.result).toMatchObject({ completion: { values: ['greet:A'] } })
})

test.each([
  ['ping', {}],
  ['initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } }],
  ['logging/setLevel', { level: 'info' }],
  ['resources/subscribe', { uri: 'note://1' }],
  ['resources/unsubscribe', { uri: 'note://1' }],
  ['tasks/list', {}],
  ['tasks/result', { taskId: 'x' }],
  ['vendor/method', {}],
])('%s is not a method of this era, and the status says so', async (method, params) => {
  const addresses = method === 'vendor/method' ? [url] : [url, alone]
  for (const address of addresses) {
    const response = await send(address, requestOf(method, params, 'mine'))
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ id: 'mine', error: { code: -32601 } })
  }
})

test('an unknown method on a server’s own address is the server’s to refuse', async () => {
  const response = await send(alone, requestOf('vendor/method'))
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: { code: -32601, message: 'Method not found' } })
})

test.each([
  ['tools/call', { name: 'nope' }, -32602],
  ['resources/read', { uri: 'nobody://x' }, -32602],
  ['tools/list', { cursor: 'x' }, -32602],
  ['tools/call', { name: 'one_fail' }, -32050],
  ['tasks/get', { taskId: 'unknown' }, -32602],
])('the error of %s %j is in the answer, not in the status', async (method, params, code) => {
  const response = await send(url, requestOf(method, params))
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ error: { code } })
})

test('progress comes on the call’s own stream, in order, before the result', async () => {
  const params = { name: 'one_progress', _meta: { progressToken: 'p' } }
  const all = await messages(await send(url, requestOf('tools/call', params, 7)))
  expect(all.map(({ params: said, id }) => id ?? [said?.progressToken, said?.progress])).toEqual([
    ['p', 1],
    ['p', 2],
    ['p', 3],
    7,
  ])
})

test('closing the response stream cancels the call at the server', async () => {
  const cancelled = async () => Number(textOf(await ask(alone, 'tools/call', { name: 'cancelled' })))
  const before = await cancelled()
  const slow = requestOf('tools/call', { name: 'slow', _meta: { progressToken: 1 } })
  const response = await send(alone, slow)
  await response.body?.cancel()
  await waitFor(async () => (await cancelled()) === before + 1)
})

test('log messages come only to the request that names a level, from that level on', async () => {
  const levels = async (level?: string) => {
    const _meta = level === undefined ? {} : { 'io.modelcontextprotocol/logLevel': level }
    const params = { name: 'one_log', arguments: { levels: ['debug', 'warning', 'error'] }, _meta }
    const all = await messages(await send(url, requestOf('tools/call', params)))
    return all.flatMap(({ method, params: said }) => (method === 'notifications/message' ? [said?.level] : []))
  }
  expect(await levels()).toEqual([])
  expect(await levels('warning')).toEqual(['warning', 'error'])
  expect(await levels('debug')).toEqual(['debug', 'warning', 'error'])
  expect(await levels()).toEqual([])
})

test('a server is told the level that its most talkative client wants', async () => {
  using own = await holdSocket()
  const capabilities = { tools: {}, logging: {} }
  const quiet = stdioServer('quiet', 'echo')
  const env = { CAPABILITIES: JSON.stringify(capabilities) }
  const transport = { ...quiet.transport, env } as typeof quiet.transport
  await using small = await startReadyProxy({ group: groupOf([{ ...quiet, transport }]), socket: own })
  const level = async (wanted?: string) => {
    const _meta = wanted === undefined ? {} : { 'io.modelcontextprotocol/logLevel': wanted }
    const answer = await ask(`${small.url}/mcp`, 'tools/call', { name: 'quiet_state', _meta })
    return JSON.parse(textOf(answer) ?? '').level
  }
  expect(await level()).toBeNull()
  expect(await level('warning')).toBe('warning')
  expect(await level('debug')).toBe('debug')
  expect(await level('error')).toBe('debug')
})

test('ids come back with their type', async () => {
  for (const id of [0, -1, '0', 'text', 9_007_199_254_740_991])
    expect(await (await send(url, requestOf('tools/list', {}, id))).json()).toMatchObject({ id })
})
