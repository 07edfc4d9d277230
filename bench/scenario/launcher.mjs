// The supervisor's own way to start a proxy, taken out of its source, so that what is measured is what it does.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'rolldown'

const sources = `
export { proxies } from './src/supervisor/proxies.ts'
export { loadProfileSet } from './src/config/load.ts'
export { resolveProfile } from './src/config/resolve.ts'
export { Sockets } from './src/supervisor/sockets.ts'
export { usualTiming } from './src/supervisor/timing.ts'`

/**
 * A launcher for the only group of a project: `launch()` resolves with the milliseconds until its proxy listens, which is
 * then ended.
 */
export async function createLauncher({ root, project }) {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  const parts = await bundled(root, join(folder, 'launcher.mjs'))
  const { proxies, loadProfileSet, resolveProfile, Sockets, usualTiming } = parts
  const { env } = process
  const set = await loadProfileSet({ cwd: project.folder, files: [], env })
  const [{ name }] = set.profiles
  const resolution = await resolveProfile(set, name, { env, envFiles: [], portOffset: 0 })
  const [group] = resolution.profile.groups
  const sockets = new Sockets()
  const socket = sockets.hold({ host: group.host, port: group.port })
  const { spawn } = proxies({
    file: join(root, 'dist', 'proxy.js'),
    owner: project.home,
    sessionKey: Buffer.alloc(32, 7).toString('base64url'),
    version: JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version,
    guardian: { guard() {} },
    timing: usualTiming,
    now: () => performance.now(),
    inForce: () => ({ wish: { env }, resolution, generation: 1, hash: '' }),
  })
  return {
    launch: () => launch(() => spawn({ group }, socket, { listenWhen: 'now', events: silent })),
    async stop() {
      sockets[Symbol.dispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const silent = { status() {}, exited() {}, drifted() {}, line() {}, word() {} }

async function bundled(root, file) {
  const entry = join(root, 'launcher.ts')
  await build({
    input: entry,
    platform: 'node',
    transform: { target: 'node20.19' },
    logLevel: 'warn',
    plugins: [
      { name: 'parts', resolveId: (id) => (id === entry ? id : null), load: (id) => (id === entry ? sources : null) },
    ],
    output: { file, format: 'esm', codeSplitting: false },
  })
  return import(pathToFileURL(file).href)
}

async function launch(spawn) {
  const start = performance.now()
  const child = spawn()
  try {
    await child.begin()
    const ms = performance.now() - start
    if (!child.hasListened) throw new Error(`the proxy did not listen: ${child.state.reason}`)
    return ms
  } finally {
    await child.force()
  }
}
