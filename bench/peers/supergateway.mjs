// supergateway, Node: one stdio server behind Streamable HTTP, a process of it for each session.
import { installed } from './installed.mjs'
import { stdioServer } from './stdio-server.mjs'

export const supergateway = {
  name: 'supergateway',
  path: '/mcp',
  transport: 'http',
  version: async () => (await installed('supergateway'))?.version ?? null,
  async command({ port }) {
    const { file } = await installed('supergateway')
    const stdio = stdioServer.map((part) => `"${part}"`).join(' ')
    const asked = ['--stdio', stdio, '--outputTransport', 'streamableHttp', '--stateful', '--logLevel', 'none']
    return { command: process.execPath, args: [file, ...asked, '--port', `${port}`] }
  },
}
