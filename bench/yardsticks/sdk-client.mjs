import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** A connected client of the SDK's 1.x line. */
export async function connect(url) {
  const client = new Client({ name: 'sdk1', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  return client
}

/** A server's tools under the names its proxy gives them. */
export async function toolsOf(client, server) {
  const { tools } = await client.listTools()
  return tools.map((tool) => ({ ...tool, name: `${server}_${tool.name}` }))
}
