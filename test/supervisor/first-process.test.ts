import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { ControlClient } from '../../src/control/client.ts'
import { entryFile, statePaths } from '../../src/shared/paths.ts'
import { fixturePath } from '../helpers/fixture.ts'
import { markedProcesses } from '../helpers/processes.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { built } from './detached.ts'

beforeAll(built)

// Skipped where this process may not make a PID namespace, which takes root.
const first = test.skipIf(!mayBeFirst())

first('P-06 P-29: as PID 1, which reaps nobody, it warns, stops groups on time and ends on SIGTERM', async () => {
  await using folder = await tempFolder()
  const server = { command: process.execPath, args: [fixturePath('stubborn')] }
  await folder.write({
    'mcpctl.yaml': `version: 1
servers: { it: ${JSON.stringify(server)} }
profiles: { dev: { groups: { one: { port: auto, servers: [it] } } } }
`,
  })
  const env = { PATH: process.env.PATH, HOME: folder.path, MCPCTL_HOME: `${folder.path}/.state` }
  const args = ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, entryFile('cli'), 'up']
  const namespace = spawn('unshare', args, { cwd: folder.path, env, stdio: 'ignore' })
  const exited = once(namespace, 'exit')
  const paths = statePaths(folder.path, env)
  const client = new ControlClient(paths.socket)
  const ready = () =>
    waitFor(async () => ((await client.ask('status')).state === 'ready' ? client.ask('status') : undefined))
  const { supervisor } = await ready()
  expect(supervisor).toMatchObject({ pid: 1, warnings: [expect.stringContaining('start the container with an init')] })
  expect(readFileSync(`${paths.logs}/mcpctl.log`, 'utf8')).toContain('supervisor runs as PID 1')
  const began = performance.now()
  await client.ask('stop', { groups: ['one'] })
  // The stages of a stubborn server take 3.5 s; a zombie taken for a living process would take all of them and more.
  expect(performance.now() - began).toBeLessThan(9_000)
  expect(zombies(namespace.pid ?? 0)).toBeGreaterThan(0)
  await client.ask('start', { groups: ['one'] })
  await ready()
  process.kill(childOf(namespace.pid ?? 0), 'SIGTERM')
  expect(await exited).toEqual([0, null])
  expect(markedProcesses(paths.folder)).toEqual([])
})

function mayBeFirst(): boolean {
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    // There is no such program, or it may not.
    return false
  }
}

/** The only one, as seen from outside. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

/** Below the first process of the namespace. */
function zombies(namespace: number): number {
  const children = execFileSync('ps', ['-o', 'state=', '--ppid', `${childOf(namespace)}`], { encoding: 'utf8' })
  return children.split('\n').filter((state) => state.trim().startsWith('Z')).length
}
