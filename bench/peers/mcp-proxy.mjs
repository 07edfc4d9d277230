// mcp-proxy, Node: one stdio server behind Streamable HTTP. Its releases want Node 22.
import { installed } from './installed.mjs'
import { stdioServer } from './stdio-server.mjs'

export const mcpProxy = {
  name: 'mcp-proxy',
  path: '/mcp',
  transport: 'http',
  version: async () => (await installed('mcp-proxy'))?.version ?? null,
  async command({ port }) {
    const { file } = await installed('mcp-proxy')
    const args = [file, '--host', '127.0.0.1', '--port', `${port}`, '--server', 'stream', '--', ...stdioServer]
    return { command: process.execPath, args }
  },
}
