import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { fastmcp } from './peers/fastmcp.mjs'
import { mcpHub } from './peers/mcp-hub.mjs'
import { mcpProxy } from './peers/mcp-proxy.mjs'
import { supergateway } from './peers/supergateway.mjs'
import { freePort } from './ports.mjs'
import { startProgram } from './processes.mjs'

const peers = [fastmcp, mcpHub, mcpProxy, supergateway]

/**
 * The other proxies, each as `{ name, version, start }`; `version` is null for one that is not installed. `start(upstreams)` takes name →
 * URL, and resolves with a child and its `name`, `url`, `transport` (`http`, or `sse` where it speaks nothing newer) and `tool`, the name that
 * `echo` has there. Those that wrap one stdio
 * server wrap a synthetic one instead of the upstreams.
 */
export async function findPeers() {
  return Promise.all(
    peers.map(async (peer) => ({
      ...peer,
      version: await peer.version(),
      start: (upstreams) => start(peer, upstreams),
    })),
  )
}

async function start(peer, upstreams) {
  const port = await freePort()
  const { command, args, env, stop } = await peer.command({ port, upstreams })
  const url = `http://127.0.0.1:${port}${peer.path}`
  let tool
  const isReady = async () => {
    if (peer.isUp && !(await peer.isUp(port))) return false
    tool = await echoOf(url, peer.transport).catch(() => undefined)
    return tool !== undefined
  }
  const child = await startProgram(command, args, { env, isReady }).catch(async (error) => {
    await stop?.()
    throw error
  })
  return {
    ...child,
    name: peer.name,
    url,
    transport: peer.transport,
    tool,
    async stop() {
      await child.stop()
      await stop?.()
    },
  }
}

/** Each names tools its own way. Fails while the proxy does not serve yet. */
async function echoOf(url, transport) {
  const client = new Client({ name: 'bench', version: '1.0.0' })
  const Transport = transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport
  try {
    await client.connect(new Transport(new URL(url)))
    const { tools } = await client.listTools()
    return tools.find(({ name }) => name.endsWith('echo'))?.name
  } finally {
    await client.close()
  }
}
