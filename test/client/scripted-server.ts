import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { freePort } from '../helpers/ports.ts'

interface Request {
  readonly id?: number | string
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** `silence`: the request stays open. */
type Answer =
  | 'silence'
  | { readonly result: object }
  | { readonly error: { code: number; message: string; data?: unknown } }

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  /** `authorization` headers, one per request. */
  readonly tokens: readonly (string | undefined)[]
  /** Methods of the notifications that came. */
  readonly notifications: readonly string[]
  /** DELETE requests: sessions that were said goodbye to. */
  readonly goodbyes: () => number
}

/** An MCP server over HTTP that answers what the test says, byte for byte, on a real socket. */
export async function scriptedServer(answer: (request: Request) => Answer): Promise<ScriptedServer> {
  const tokens: (string | undefined)[] = []
  const notifications: string[] = []
  let goodbyes = 0
  const server = createServer(async (request, response) => {
    tokens.push(request.headers.authorization)
    if (request.method === 'DELETE') goodbyes++
    if (request.method !== 'POST') return response.writeHead(request.method === 'DELETE' ? 200 : 405).end()
    const message: Request = JSON.parse(await bodyOf(request))
    if (message.id === undefined) {
      notifications.push(message.method)
      return response.writeHead(202).end()
    }
    const headers = { 'content-type': 'application/json', 'mcp-session-id': 's1' }
    const body = message.method === 'initialize' ? welcome : answer(message)
    if (body === 'silence') return undefined
    return response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body }))
  })
  const port = await freePort()
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    tokens,
    notifications,
    goodbyes: () => goodbyes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const welcome = {
  result: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {}, resources: {} },
    serverInfo: { name: 'scripted', version: '1' },
  },
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return body
}
