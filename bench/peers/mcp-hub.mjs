// mcp-hub, Node: all servers behind HTTP+SSE, for it serves nothing newer.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installed } from './installed.mjs'

export const mcpHub = {
  name: 'mcp-hub',
  path: '/mcp',
  transport: 'sse',
  version: async () => (await installed('mcp-hub'))?.version ?? null,
  /** It must not be spoken to before it has connected to its servers. */
  async isUp(port) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/health`).catch(() => undefined)
    return answer?.ok === true && (await answer.json()).state === 'ready'
  },
  async command({ port, upstreams }) {
    const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-hub-'))
    const config = join(folder, 'servers.json')
    const servers = Object.entries(upstreams).map(([name, url]) => [name, { url }])
    await writeFile(config, JSON.stringify({ mcpServers: Object.fromEntries(servers) }))
    const { file } = await installed('mcp-hub')
    return {
      command: process.execPath,
      args: [file, '--port', `${port}`, '--config', config],
      env: { XDG_STATE_HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, HOME: folder },
      stop: () => rm(folder, { recursive: true, force: true }),
    }
  },
}
