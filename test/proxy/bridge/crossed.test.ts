import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRecord } from '../../../src/proxy/mcp/rpc.ts'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { connect } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const thought = { role: 'assistant' as const, content: { type: 'text' as const, text: 'thought' }, model: 'm' }
const roots = { roots: [{ uri: 'file:///home' }] }
const answerTo = (message: string) => ({ action: 'accept' as const, content: { value: `my ${message}` } })

/** What both client lines have in common. */
interface AnyClient {
  listTools(): Promise<{ tools: { name: string; outputSchema?: unknown }[] }>
  readResource(params: { uri: string }): Promise<{ contents: unknown[] }>
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Called>
}

interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: { progress: number; total?: number | undefined }) => void
}

interface Called {
  readonly text: string
  readonly structured: unknown
}

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const old = stdioServer('old', 'bridge-legacy', { protocol: 'legacy' })
  const young = stdioServer('new', 'bridge-modern', { protocol: 'modern' })
  proxy = await startReadyProxy({ group: groupOf([old, young]), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

function calledOf(result: unknown): Called {
  const content = isRecord(result) && Array.isArray(result.content) ? result.content : []
  const first: unknown = content[0]
  return {
    text: isRecord(first) ? String(first.text) : '',
    structured: isRecord(result) ? result.structuredContent : undefined,
  }
}

/** A client of SDK 1.x that answers everything. */
async function legacyClient(): Promise<AnyClient & AsyncDisposable> {
  const connected = await connect(`${proxy.url}/mcp`, capabilities)
  const { client } = connected
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => answerTo(params.message))
  client.setRequestHandler(CreateMessageRequestSchema, () => thought)
  client.setRequestHandler(ListRootsRequestSchema, () => roots)
  return {
    listTools: () => client.listTools(),
    readResource: (params) => client.readResource(params),
    call: async (name, args = {}, options = {}) =>
      calledOf(await client.callTool({ name, arguments: args }, undefined, options)),
    [Symbol.asyncDispose]: () => connected[Symbol.asyncDispose](),
  }
}

/** A client of SDK 2.x that speaks nothing but 2026-07-28 and answers everything. */
async function modernClient(): Promise<AnyClient & AsyncDisposable> {
  const client = new NewClient(
    { name: 'test', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => answerTo(params.message))
  client.setRequestHandler('sampling/createMessage', () => thought)
  client.setRequestHandler('roots/list', () => roots)
  await client.connect(new NewTransport(new URL(`${proxy.url}/mcp`)))
  return {
    listTools: () => client.listTools(),
    readResource: (params) => client.readResource(params),
    call: async (name, args = {}, options = {}) => calledOf(await client.callTool({ name, arguments: args }, options)),
    [Symbol.asyncDispose]: () => client.close(),
  }
}

const cells = [
  ['a client of SDK 1.x', 'a modern server', 'new', legacyClient],
  ['a client of SDK 2.x', 'a legacy server', 'old', modernClient],
] as const

describe.each(cells)('%s and %s, through the proxy', (_client, _server, server, open) => {
  let client: AnyClient & AsyncDisposable
  const call: AnyClient['call'] = (name, ...rest) => client.call(`${server}_${name}`, ...rest)

  beforeAll(async () => {
    client = await open()
  })

  afterAll(() => client[Symbol.asyncDispose]())

  test('list and call', async () => {
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect(names).toContain(`${server}_interview`)
    expect((await call('echo', { said: 'hello' })).text).toBe('"hello"')
  })

  test('come to a result over questions, with progress all along', async () => {
    const seen: number[] = []
    // The client of SDK 2.x tells of its own rounds in the same place; those of the server have a total.
    const onprogress: CallOptions['onprogress'] = ({ progress, total }) => total !== undefined && seen.push(progress)
    const { text } = await call('interview', {}, { onprogress })
    expect(text).toBe('["my name","my age","my why"]')
    expect(seen).toEqual(server === 'new' ? [1, 2, 3, 4] : [1, 2, 3])
  })

  test('sample', async () => {
    expect(JSON.parse((await call('think', { prompt: 'hm' })).text)).toMatchObject(thought)
  })

  test('end a cancelled call on both sides', async () => {
    const cancelled = async () => (await call('cancelled')).text
    const before = await cancelled()
    const abort = new AbortController()
    const waiting = call('wait', {}, { signal: abort.signal, onprogress: () => abort.abort('enough') })
    await expect(waiting).rejects.toThrow()
    await waitFor(async () => (await cancelled()) !== before)
  })

  test('fail in the words of the server', async () => {
    const uri = `test://${server}`
    await expect(client.readResource({ uri })).rejects.toThrow(/not found/i)
  })

  test('go on with each other’s calls side by side', async () => {
    const said = Array.from({ length: 20 }, (_, nth) => `${nth}`)
    const answers = await Promise.all(said.map((one) => call('echo', { said: one })))
    expect(answers.map(({ text }) => text)).toEqual(said.map((one) => JSON.stringify(one)))
  })
})

test('a client of SDK 1.x checks structured content of any type against the schema it was shown', async () => {
  await using client = await legacyClient()
  const { tools } = await client.listTools()
  expect(tools.find(({ name }) => name === 'new_list')?.outputSchema).toMatchObject({ type: 'object' })
  expect((await client.call('new_list')).structured).toEqual({ result: [1, 2] })
  expect((await client.call('new_union', { value: { a: 1 } })).structured).toEqual({ result: { a: 1 } })
  expect((await client.call('new_union')).structured).toEqual({ result: null })
})

test('a client of SDK 1.x shows its roots and visits URLs for a modern server', async () => {
  await using client = await legacyClient()
  expect(JSON.parse((await client.call('new_where')).text)).toEqual(roots)
  expect((await client.call('new_visit')).text).toBe('"accept"')
})

test('a client of SDK 2.x visits a URL before a legacy server goes on', async () => {
  await using client = await modernClient()
  expect((await client.call('old_connect')).text).toBe('"connected"')
})
