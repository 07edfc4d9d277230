// The real thing: the built bin with a profile set of its own, its state in a temp folder.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MARK } from './foreign.mjs'
import { freePort } from './ports.mjs'
import { run } from './processes.mjs'
import { allPids, cpuOf, isAlive, rssOf } from './usage.mjs'

const PROFILE = 'bench'
const GONE_TIMEOUT = 5_000

/** The folder with package.json. */
export const root = fileURLToPath(new URL('..', import.meta.url))
export const binFile = join(root, 'dist', 'cli.js')

/**
 * A project folder whose only profile has `groups` (name → group as in YAML), choosing from `servers` (name → server as in
 * YAML). Nothing runs yet. A group without a port gets a free one.
 *
 * - `run(args)` runs the bin to its end, as `{ code, stdout, stderr, ms }`; `ok(args)` fails unless it exits 0.
 * - `up()` starts it and waits until it is ready; `down()` ends it.
 * - `status()` is `status --json`; `group(name)` its group; `proxy(name)` that group's `{ name, url, pid, cpu, rss }`.
 * - `write({ servers, groups })` saves another profile set (what is not named stays), which a running supervisor takes.
 * - `stop()` ends it, removes the folder, and fails when a process is left behind.
 */
export async function createProject({ servers, groups, env = {} }) {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  const home = join(folder, '.state')
  const bare = { PATH: process.env.PATH, [MARK]: process.env[MARK] ?? '' }
  const options = { cwd: folder, env: { ...bare, HOME: folder, MCPCTL_HOME: home, ...env } }
  let set = { servers, groups: await withPorts(groups) }
  const project = {
    folder,
    home,
    file: join(folder, 'mcpctl.yaml'),
    run: (args) => run(process.execPath, [binFile, ...args], { ...options, timeout: 120_000 }),
    ok: async (args) => succeeded(args, await project.run(args)),
    up: (args = []) => project.ok(['up', PROFILE, '-d', '--wait', ...args]),
    down: () => project.ok(['down']),
    status: async () => JSON.parse((await project.ok(['status', '--json'])).stdout),
    group: async (name) => (await project.status()).groups.find((group) => group.name === name),
    proxy: async (name) => proxyOf(await project.group(name)),
    async write(changed) {
      set = { servers: changed.servers ?? set.servers, groups: await withPorts(changed.groups ?? set.groups) }
      await writeFile(project.file, textOf(set))
    },
    async stop() {
      await project.run(['down'])
      await expectNothingLeft(home)
      await rm(folder, { recursive: true, force: true })
    },
  }
  await project.write({})
  return project
}

/** A project that is up: `createProject` and then `up()`; when that fails, nothing is left of it. */
export async function startMcpctl(set) {
  const project = await createProject(set)
  try {
    await project.up()
    return project
  } catch (error) {
    await project.stop()
    throw error
  }
}

const withPorts = async (groups) =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(groups).map(async ([name, group]) => [name, { port: await freePort(), ...group }]),
    ),
  )

/** JSON is YAML. */
const textOf = ({ servers, groups }) =>
  JSON.stringify({ version: 1, name: 'bench', servers, profiles: { [PROFILE]: { groups } } }, null, 1)

function succeeded(args, result) {
  if (result.code === 0) return result
  throw new Error(`mcpctl ${args.join(' ')} exited with ${result.code}\n${result.stdout}\n${result.stderr}`)
}

const proxyOf = ({ name, url, pid }) => ({ name, url, pid, cpu: () => cpuOf(pid), rss: () => rssOf(pid) })

async function expectNothingLeft(home) {
  const deadline = performance.now() + GONE_TIMEOUT
  while (marked(home).length > 0) {
    if (performance.now() > deadline) throw new Error(`mcpctl left processes behind: ${marked(home).join(', ')}`)
    await delay(50)
  }
}

/** The living processes that carry the mark of a supervisor whose state is below `home`. */
const marked = (home) => allPids().filter((pid) => isAlive(pid) && environmentOf(pid).includes(`MCPCTL_OWNER=${home}`))

function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    // It ended in between, or belongs to somebody else.
    return ''
  }
}
