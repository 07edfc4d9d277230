import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js'

export interface ConnectedClient extends AsyncDisposable {
  readonly client: Client
  readonly transport: StreamableHTTPClientTransport
}

/** A client of the official SDK, connected to `url`. */
export async function connect(url: string, capabilities: ClientCapabilities = {}): Promise<ConnectedClient> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  const transport = new StreamableHTTPClientTransport(new URL(url))
  await client.connect(transport as Parameters<Client['connect']>[0])
  return { client, transport, [Symbol.asyncDispose]: () => client.close() }
}

const accept = 'application/json, text/event-stream'

/** One POST of a JSON body as the specification wants it; headers may be replaced. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** A raw session: `initialize` done, its id kept; `ask` returns the whole answer as it came. */
export async function rawSession(url: string, params: Record<string, unknown> = {}) {
  const request = {
    jsonrpc: '2.0',
    id: 'init',
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' }, ...params },
  }
  const response = await post(url, request)
  const id = response.headers.get('mcp-session-id') ?? ''
  const [initialized] = await messages(response)
  const send = (body: unknown) => post(url, body, { 'mcp-session-id': id })
  const ask = async (method: string, asked?: unknown, requestId: unknown = 1) =>
    messages(await send({ jsonrpc: '2.0', id: requestId, method, ...(asked === undefined ? {} : { params: asked }) }))
  return { id, initialized, send, ask }
}

export interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** The JSON-RPC messages of a response, whether it is JSON or an event stream. */
export async function messages(response: Response): Promise<Message[]> {
  const text = await response.text()
  if (response.headers.get('content-type') === 'application/json') return [JSON.parse(text)].flat()
  return text.split('\n').flatMap((line) => (/^data: ./.test(line) ? [JSON.parse(line.slice(6))] : []))
}
