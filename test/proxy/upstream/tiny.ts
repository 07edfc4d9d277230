import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One message that came, and the response to it. */
export interface Asked {
  readonly method: string
  /** Of a request; undefined of a notification, and of what is no POST (its `method` is that of HTTP). */
  readonly id?: number
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

export interface TinyServer extends AsyncDisposable {
  readonly url: string
  /** What was asked, in order. */
  readonly asked: string[]
  readonly connections: number
}

const results: Readonly<Record<string, object>> = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'tiny' } },
  'tools/list': { tools: [{ name: 'go', inputSchema: { type: 'object' } }] },
  'tools/call': { content: [{ type: 'text', text: 'ok' }] },
  ping: {},
}

/** A server in this process. What `answer` does not answer (it says so with false) is answered as it should be. */
export async function tinyServer(answer: (asked: Asked) => boolean): Promise<TinyServer> {
  const asked: string[] = []
  let connections = 0
  const http = createServer(async (req, res) => {
    const message = await bodyOf(req)
    const one = { method: String(message.method ?? req.method), ...idOf(message), req, res }
    asked.push(one.method)
    if (!answer(one)) usual(one)
  })
  http.on('connection', () => connections++)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    asked,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

async function bodyOf(req: IncomingMessage): Promise<{ readonly method?: unknown; readonly id?: unknown }> {
  let text = ''
  for await (const chunk of req.setEncoding('utf8')) text += chunk
  return text === '' ? {} : JSON.parse(text)
}

function idOf({ id }: { readonly id?: unknown }): { readonly id?: number } {
  return typeof id === 'number' ? { id } : {}
}

function usual({ method, id, req, res }: Asked): void {
  if (req.method !== 'POST') return void res.writeHead(405).end()
  if (id === undefined) return void res.writeHead(202).end()
  const result = results[method]
  const said = result ? { result } : { error: { code: -32601, message: 'Method not found' } }
  const session = method === 'initialize' ? { 'mcp-session-id': 's' } : {}
  res.writeHead(200, { 'content-type': 'application/json', ...session })
  res.end(JSON.stringify({ jsonrpc: '2.0', id, ...said }))
}
