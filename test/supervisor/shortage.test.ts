import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown } from 'node:fs/promises'
import { connect } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/client.ts'
import { entryFile, statePaths } from '../../src/shared/paths.ts'
import { fixturePath } from '../helpers/fixture.ts'
import { groupOf } from '../helpers/group.ts'
import { isAlive } from '../helpers/processes.ts'
import { holdSocket, startReadyProxy } from '../helpers/proxy.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { built, detached } from './detached.ts'

beforeAll(built)

const isRoot = process.getuid?.() === 0

test('P-17: a proxy with eighty descriptors survives three hundred idle connections, and recovers', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([]), socket })
  limitFiles(proxy.pid, 80)
  const idle = Array.from({ length: 300 }, () => connect(socket.port, socket.host).on('error', () => {}))
  await Promise.all(idle.map((each) => once(each, 'connect')))
  for (const each of idle) each.destroy()
  const alive = () => fetch(`${proxy.url}/livez`, { headers: { connection: 'close' } })
  expect((await waitFor(alive)).status).toBe(200)
  expect(isAlive(proxy.pid)).toBe(true)
})

test('P-17: a supervisor that is short of descriptors tries again until it has one', async () => {
  await using d = await detached(yamlOf())
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  const group = async () => (await d.client.ask('status')).groups[0]
  const ready = () => waitFor(async () => ((await group())?.state === 'ready' ? group() : undefined))
  const before = await ready()
  const pid = supervisor.process.pid ?? 0
  // As many as it has open: it can accept a question and answer it, but not make the pipes of a process.
  const most = descriptors(pid) + 3
  limitFiles(pid, most)
  process.kill(before?.pid ?? 0, 'SIGKILL')
  const waiting = await waitFor(async () => {
    const now = await group()
    return now?.state === 'backoff' && now.lastError?.includes('EMFILE') ? now : undefined
  })
  expect(waiting.lastError).toContain('could not be started')
  limitFiles(pid, 1_024)
  expect(await ready()).toMatchObject({ lastError: null })
})

test.skipIf(!isRoot)(
  'P-18: a user who may start no more processes gets a message, and the group tries again',
  async () => {
    await using folder = await tempFolder()
    await folder.write({ 'mcpctl.yaml': yamlOf() })
    await chown(folder.path, NOBODY, NOBODY)
    await chmod(folder.path, 0o755)
    const env = { PATH: process.env.PATH, HOME: folder.path, MCPCTL_HOME: `${folder.path}/.state` }
    const user = ['--reuid', `${NOBODY}`, '--clear-groups']
    const supervisor = spawn('setpriv', [...user, process.execPath, entryFile('supervisor'), folder.path], {
      env,
      stdio: 'ignore',
    })
    // Only the same user may change it, where root has not all of its rights.
    const processes = (most: number) =>
      execFileSync('setpriv', [...user, 'prlimit', '--pid', `${supervisor.pid}`, `--nproc=${most}:`])
    try {
      const client = new ControlClient(statePaths(folder.path, env).socket)
      await waitFor(() => client.ask('status'))
      const rest = { files: [], envFiles: [], profile: undefined, groups: [], portOffset: 0, watch: false }
      await client.ask('apply', { cwd: folder.path, env, ...rest })
      const pid = await waitFor(async () => {
        const [group] = (await client.ask('status')).groups
        return group?.state === 'ready' ? group.pid : undefined
      })
      processes(1)
      process.kill(pid, 'SIGKILL')
      await waitFor(async () => {
        const [group] = (await client.ask('status')).groups
        return group?.state === 'backoff' && /^proxy could not be started: spawn .*EAGAIN/.test(group.lastError ?? '')
      })
      processes(10_000)
      await waitFor(async () => (await client.ask('status')).state === 'ready')
    } finally {
      supervisor.kill('SIGTERM')
      await once(supervisor, 'exit')
    }
  },
)

const NOBODY = 65_534

function limitFiles(pid: number, soft: number): void {
  execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`])
}

function descriptors(pid: number): number {
  return execFileSync('ls', [`/proc/${pid}/fd`], { encoding: 'utf8' })
    .trim()
    .split('\n').length
}

function yamlOf(): string {
  const server = { command: process.execPath, args: [fixturePath('echo')] }
  return `version: 1
servers: { it: ${JSON.stringify(server)} }
profiles: { dev: { groups: { one: { port: auto, servers: [it] } } } }
`
}
