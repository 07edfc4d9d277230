import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { within } from '../shared/async.ts'
import { isRecord } from '../shared/record.ts'
import { failureOf } from './failure.ts'
import { itemsOf, type Json } from './json.ts'

/** Longer than any call a proxy lets live, so that the proxy's own answer is what people see. In milliseconds. */
const CALL_DEADLINE = 11 * 60_000

/** Nobody waits for a goodbye that is not answered. In milliseconds. */
const GOODBYE_DEADLINE = 1000

export interface ClientOptions {
  /** Where a group or one of its servers speaks MCP. */
  readonly url: string
  /** The bearer token of a group with `auth`; undefined sends none. */
  readonly token: string | undefined
  readonly version: string
  /** Cancels what is in flight, telling the server, and throws the signal's reason. */
  readonly signal: AbortSignal
}

/**
 * An MCP client for people: what the server sent comes back whole, unknown fields included. Every method throws
 * McpctlError: `auth_required`, `unreachable` or `tool_error`.
 */
export interface McpClient extends AsyncDisposable {
  /** All pages; empty when the server does not offer this kind. */
  list(kind: ListKind): Promise<readonly Json[]>
  call(tool: string, args: Json): Promise<Json>
  read(uri: string): Promise<Json>
  prompt(name: string, args: Json): Promise<Json>
  ping(): Promise<void>
}

const lists = {
  tools: { method: 'tools/list', capability: 'tools' },
  resources: { method: 'resources/list', capability: 'resources' },
  resourceTemplates: { method: 'resources/templates/list', capability: 'resources' },
  prompts: { method: 'prompts/list', capability: 'prompts' },
} as const

export type ListKind = keyof typeof lists

/** Connects and shakes hands. */
export async function connectClient({ url, token, version, signal }: ClientOptions): Promise<McpClient> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
  const client = new Client({ name: 'mcpctl', version })
  // The SDK's transport types do not know exactOptionalPropertyTypes.
  const connected = client.connect(transport as Parameters<Client['connect']>[0], { signal })
  const told = (error: unknown): never => {
    throw signal.aborted ? signal.reason : failureOf(error, url)
  }
  await connected.catch(told)
  const ask = (method: string, params: Json = {}): Promise<Json> =>
    client.request({ method, params }, ResultSchema, { timeout: CALL_DEADLINE, signal }).catch(told)
  return {
    list: (kind) =>
      client.getServerCapabilities()?.[lists[kind].capability] ? allPages(ask, kind) : Promise.resolve([]),
    call: (name, args) => ask('tools/call', { name, arguments: args }),
    read: (uri) => ask('resources/read', { uri }),
    prompt: (name, args) => ask('prompts/get', { name, arguments: args }),
    ping: async () => void (await ask('ping')),
    async [Symbol.asyncDispose]() {
      // A goodbye frees the session at once; a server that does not take it lets it expire.
      const goodbye = transport.terminateSession().catch(() => {})
      await within(GOODBYE_DEADLINE, goodbye, undefined)
      await client.close()
    },
  }
}

/** A server that hands out cursors for ever is cut off, not followed. */
const MAX_PAGES = 1000

async function allPages(ask: (method: string, params: Json) => Promise<Json>, kind: ListKind): Promise<Json[]> {
  const items: Json[] = []
  let params: Json = {}
  for (let page = 0; page < MAX_PAGES; page++) {
    const result = await ask(lists[kind].method, params)
    items.push(...itemsOf(result[kind]).filter(isRecord))
    if (typeof result['nextCursor'] !== 'string') break
    params = { cursor: result['nextCursor'] }
  }
  return items
}
