import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { ready } from '../children/parent.mjs'
import { freePort } from '../ports.mjs'

/**
 * Serves `list()` and `call(params)` as the SDK's examples do: a server object and a transport for each session.
 */
export async function serve({ list, call }) {
  const transports = new Map()
  const server = createServer(async (request, response) => {
    const known = transports.get(request.headers['mcp-session-id'])
    const transport = known ?? (await open({ list, call, transports }))
    await transport.handleRequest(request, response)
  })
  server.keepAliveTimeout = 0
  const port = await freePort()
  server.listen(port, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${port}/mcp` }))
}

async function open({ list, call, transports }) {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void transports.set(id, transport),
  })
  const server = new Server({ name: 'sdk1', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: await list() }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => call(params))
  await server.connect(transport)
  return transport
}
