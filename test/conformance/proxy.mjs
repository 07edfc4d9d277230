// A project of its own for a moment: the built bin, its state in a temp folder, one group for each upstream URL.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../bench/ports.mjs'
import { end, firstOutput } from './child.mjs'
import { binFile } from './paths.mjs'

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
  const ports = Object.fromEntries(
    await Promise.all(Object.keys(upstreams).map(async (name) => [name, await freePort()])),
  )
  await writeFile(join(folder, 'mcpctl.yaml'), JSON.stringify(profileSet(upstreams, ports)))
  const child = await up(folder)
  return {
    urls: mapEntries(ports, (name, port) => mapEntries(ways, (_, path) => `http://localhost:${port}${path(name)}`)),
    async stop() {
      await end(child, 'SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function profileSet(upstreams, ports) {
  const servers = mapEntries(upstreams, (_, url) => ({ url, prefix: '' }))
  const groups = mapEntries(ports, (name, port) => ({ port, servers: [name] }))
  return { version: 1, servers, profiles: { conformance: { groups } } }
}

/** Its first output are the URLs, once every group is ready or has failed to be. */
async function up(folder) {
  const child = spawn(process.execPath, [binFile, 'up', 'conformance', '--no-watch', '--quiet'], {
    cwd: folder,
    env: { ...process.env, MCPCTL_HOME: join(folder, 'state') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await firstOutput(child)
  // The rest is logs, which must not fill the pipe.
  child.stdout.resume()
  return child
}

const mapEntries = (record, map) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(key, value)]))
