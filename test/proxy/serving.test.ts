import {
  CreateMessageRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../helpers/group.ts'
import { connect } from '../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'
import { waitFor } from '../helpers/wait.ts'

let socket: HeldSocket
let proxy: RunningProxy
const servers = [stdioServer('one', 'all-features'), stdioServer('two', 'all-features')]

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const group = (capabilities = {}) => connect(`${proxy.url}/mcp`, capabilities)
const alone = (name: string) => connect(`${proxy.url}/servers/${name}/mcp`)
const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text

test('initialize declares what all servers can do and says whose instructions are whose', async () => {
  await using one = await group()
  expect(one.client.getServerCapabilities()).toEqual({
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    logging: {},
    completions: {},
  })
  expect(one.client.getServerVersion()).toMatchObject({ name: 'mcpctl', title: 'test local' })
  expect(one.client.getInstructions()).toBe('## one\n\nBe kind.\n\n## two\n\nBe kind.')
})

test('a server’s own address shows the server as it is', async () => {
  await using one = await alone('one')
  expect(one.client.getServerVersion()).toEqual({ name: 'all-features', version: '1.0.0' })
  expect(one.client.getInstructions()).toBe('Be kind.')
  expect((await one.client.listTools()).tools[0]?.name).toBe('echo')
  expect(textOf(await one.client.callTool({ name: 'echo', arguments: { a: 1 } }))).toBe('{"a":1}')
})

test('tools of all servers are listed under their prefixes and called by them', async () => {
  await using one = await group()
  const names = (await one.client.listTools()).tools.map(({ name }) => name)
  expect(names.filter((name) => name.endsWith('_echo'))).toEqual(['one_echo', 'two_echo'])
  const pids = await Promise.all(['one_pid', 'two_pid'].map((name) => one.client.callTool({ name })))
  expect(pids.map(textOf)).toEqual(proxy.status()?.servers.map(({ pid }) => String(pid)))
})

test('prompts, resources, templates and completion lead to their server', async () => {
  await using one = await group()
  const { client } = one
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['one_greet', 'two_greet'])
  const prompt = await client.getPrompt({ name: 'two_greet', arguments: { who: 'you' } })
  expect(prompt.messages[0]?.content).toEqual({ type: 'text', text: 'Hello you' })
  const uris = (await client.listResources()).resources.map(({ uri }) => uri)
  expect(uris).toEqual(['note://1', 'note://mcpctl.two/1'])
  for (const uri of [...uris, 'item://5', 'item://mcpctl.two/5'])
    expect((await client.readResource({ uri })).contents).toHaveLength(1)
  const ref = { type: 'ref/prompt', name: 'one_greet' } as const
  const { completion } = await client.complete({ ref, argument: { name: 'who', value: 'A' } })
  expect(completion.values).toEqual(['greet:A'])
  const template = { type: 'ref/resource', uri: 'item://{id}' } as const
  const second = await client.complete({ ref: template, argument: { name: 'id', value: '7' } })
  expect(second.completion.values).toEqual(['item://{id}:7'])
})

test('a URI that only a result mentioned is read from the server that mentioned it', async () => {
  await using one = await group()
  await one.client.callTool({ name: 'two_link' })
  expect((await one.client.readResource({ uri: 'hidden://7' })).contents[0]).toMatchObject({ uri: 'hidden://7' })
})

test('a URI nobody knows is not found', async () => {
  await using one = await group()
  await expect(one.client.readResource({ uri: 'nobody://x' })).rejects.toMatchObject({ code: -32002 })
})

test('progress comes in order, before the result', async () => {
  await using one = await group()
  const seen: number[] = []
  const onprogress = ({ progress }: { progress: number }) => void seen.push(progress)
  const result = await one.client.callTool({ name: 'one_progress' }, undefined, { onprogress })
  expect(textOf(result)).toBe('done')
  expect(seen).toEqual([1, 2, 3])
})

test('cancelling a call cancels it at the server', async () => {
  await using one = await alone('one')
  const before = Number(textOf(await one.client.callTool({ name: 'cancelled' })))
  const controller = new AbortController()
  const onprogress = () => controller.abort('enough')
  const call = one.client.callTool({ name: 'slow' }, undefined, { signal: controller.signal, onprogress })
  await expect(call).rejects.toThrow()
  await waitFor(async () => Number(textOf(await one.client.callTool({ name: 'cancelled' }))) === before + 1)
})

test('a server’s question reaches the client whose call it belongs to, and the answer the server', async () => {
  await using one = await group({ sampling: {} })
  await using other = await group({ sampling: {} })
  for (const [{ client }, name] of [[one, 'one'] as const, [other, 'other'] as const])
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: `${name}: ${JSON.stringify(params.messages[0]?.content)}` },
    }))
  const ask = (client: typeof one.client, question: string) =>
    client.callTool({ name: 'one_ask', arguments: { question } }).then(textOf)
  expect(await ask(one.client, 'a')).toBe('one: {"type":"text","text":"a"}')
  expect(await ask(other.client, 'b')).toBe('other: {"type":"text","text":"b"}')
})

test('a client that did not declare sampling is not asked', async () => {
  await using one = await group()
  const result = await one.client.callTool({ name: 'one_ask', arguments: { question: 'a' } }).catch(String)
  expect(JSON.stringify(result)).toContain('has not declared the capability sampling')
})

test('log messages of a call pass the level the session set', async () => {
  await using one = await group()
  const seen: string[] = []
  one.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params.level))
  await one.client.setLoggingLevel('warning')
  await one.client.callTool({ name: 'one_log', arguments: { levels: ['debug', 'warning', 'info', 'error'] } })
  expect(seen).toEqual(['warning', 'error'])
})

test('an update reaches those who subscribed, by the URI they know, and nobody after they stopped', async () => {
  await using one = await group()
  await using other = await group()
  const seen: string[] = []
  const others: string[] = []
  one.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void seen.push(params.uri))
  other.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void others.push(params.uri))
  await one.client.subscribeResource({ uri: 'note://mcpctl.two/1' })
  const update = () => one.client.callTool({ name: 'two_update', arguments: { uri: 'note://1' } })
  await update()
  await waitFor(() => seen.length === 1)
  expect(seen).toEqual(['note://mcpctl.two/1'])
  await one.client.unsubscribeResource({ uri: 'note://mcpctl.two/1' })
  await update()
  await other.client.subscribeResource({ uri: 'note://mcpctl.two/1' })
  await update()
  await waitFor(() => others.length === 1)
  expect(seen).toHaveLength(1)
})

test('a list that changed is told of once the new one is served', async () => {
  await using one = await group()
  const lists: number[] = []
  const before = (await one.client.listTools()).tools.length
  one.client.setNotificationHandler(ToolListChangedNotificationSchema, async () => {
    lists.push((await one.client.listTools()).tools.length)
  })
  await one.client.callTool({ name: 'two_grow', arguments: { name: `new_${before}` } })
  await waitFor(() => lists.length > 0)
  expect(lists).toEqual([before + 1])
})

test('an error of the server arrives with its own code, message and data', async () => {
  await using one = await group()
  await expect(one.client.callTool({ name: 'one_fail' })).rejects.toMatchObject({
    code: -32050,
    data: { why: ['because'] },
  })
})
