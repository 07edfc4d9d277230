// A project of its own for a moment: the built bin, its state in a temp folder, one group for each upstream URL.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { binFile } from './paths.mjs'
import { freePort } from './ports.mjs'

/** The two ways to the one server of a group: through the group, and alone. */
export const ways = {
  group: () => '/mcp',
  alone: (name) => `/servers/${name}/mcp`,
}

/**
 * Starts a proxy in front of each of `upstreams` (name → URL) and resolves with `{ urls, stop }`, `urls[name][way]`.
 * The servers have no prefix, so that the scenarios find the names they know.
 */
export async function startProxies(upstreams) {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-conformance-'))
  const groups = {}
  const servers = {}
  const urls = {}
  for (const [name, url] of Object.entries(upstreams)) {
    const port = await freePort()
    groups[name] = { port, servers: [name] }
    servers[name] = { url, prefix: '' }
    urls[name] = Object.fromEntries(
      Object.entries(ways).map(([way, path]) => [way, `http://localhost:${port}${path(name)}`]),
    )
  }
  await writeFile(
    join(folder, 'mcpctl.yaml'),
    JSON.stringify({ version: 1, servers, profiles: { conformance: { groups } } }),
  )
  const mcpctl = (...args) =>
    promisify(execFile)(process.execPath, [binFile, ...args], {
      cwd: folder,
      env: { ...process.env, MCPCTL_HOME: join(folder, 'state'), CI: '1' },
    })
  await mcpctl('up', 'conformance', '--detach', '--wait', '--no-watch')
  return {
    urls,
    async stop() {
      await mcpctl('down')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
