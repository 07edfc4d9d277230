import { Client as SecondClient, StreamableHTTPClientTransport as SecondTransport } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** What the common scenario needs of a client, whichever SDK it is made with. */
export interface MatrixClient extends AsyncDisposable {
  readonly tools: () => Promise<readonly string[]>
  /** The text of the tool's answer. */
  readonly call: (name: string, args?: Record<string, unknown>, during?: During) => Promise<string>
  /** From now on updates of that resource and changes of the list of tools are counted. */
  readonly follow: (uri: string) => Promise<void>
  readonly updated: () => readonly string[]
  readonly toolChanges: () => number
}

interface During {
  readonly onprogress?: (progress: { readonly progress: number }) => void
  readonly signal?: AbortSignal
}

export const clientKinds = ['1', '2 auto', '2 modern', '2 legacy'] as const
export type ClientKind = (typeof clientKinds)[number]

const info = { name: 'matrix', version: '1' }
const capabilities = { elicitation: { form: {} }, sampling: {} }
const elicited = { action: 'accept', content: { name: 'Ada' } } as const
const sampled = { role: 'assistant', content: { type: 'text', text: 'as you like' }, model: 'none' } as const

export function connectClient(kind: ClientKind, url: string): Promise<MatrixClient> {
  return kind === '1' ? connectFirst(url) : connectSecond(kind, url)
}

async function connectFirst(url: string): Promise<MatrixClient> {
  const client = new Client(info, { capabilities })
  const updated: string[] = []
  let toolChanges = 0
  client.setRequestHandler(ElicitRequestSchema, () => elicited)
  client.setRequestHandler(CreateMessageRequestSchema, () => sampled)
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri))
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void toolChanges++)
  await client.connect(new StreamableHTTPClientTransport(new URL(url)) as Parameters<Client['connect']>[0])
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, during = {}) =>
      textOf(await client.callTool({ name, arguments: args }, undefined, during)),
    follow: async (uri) => void (await client.subscribeResource({ uri })),
    updated: () => updated,
    toolChanges: () => toolChanges,
    [Symbol.asyncDispose]: () => client.close(),
  }
}

const negotiations = {
  '2 auto': { mode: 'auto' },
  '2 modern': { mode: { pin: '2026-07-28' } },
  '2 legacy': { mode: 'legacy' },
} as const

async function connectSecond(kind: keyof typeof negotiations, url: string): Promise<MatrixClient> {
  const client = new SecondClient(info, { capabilities, versionNegotiation: negotiations[kind] })
  const updated: string[] = []
  let toolChanges = 0
  client.setRequestHandler('elicitation/create', () => elicited)
  client.setRequestHandler('sampling/createMessage', () => sampled)
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
  client.setNotificationHandler('notifications/tools/list_changed', () => void toolChanges++)
  await client.connect(new SecondTransport(new URL(url)))
  const isModern = client.getProtocolEra() === 'modern'
  return {
    // What it remembers of a list is not what is asked for here.
    tools: async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(({ name }) => name),
    call: async (name, args = {}, during = {}) => textOf(await client.callTool({ name, arguments: args }, during)),
    follow: async (uri) => {
      if (isModern) await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] })
      else await client.subscribeResource({ uri })
    },
    updated: () => updated,
    toolChanges: () => toolChanges,
    [Symbol.asyncDispose]: () => client.close(),
  }
}

function textOf(result: object): string {
  const content: unknown = Reflect.get(result, 'content')
  const [first]: readonly unknown[] = Array.isArray(content) ? content : []
  return typeof first === 'object' && first !== null ? String(Reflect.get(first, 'text')) : ''
}
