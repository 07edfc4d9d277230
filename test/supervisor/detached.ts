import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { ControlClient } from '../../src/control/client.ts'
import type { Wish } from '../../src/control/protocol.ts'
import { entryFile, packageFolder, type StatePaths, statePaths } from '../../src/shared/paths.ts'
import { markedProcesses } from '../helpers/processes.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'

/** A project folder whose supervisors are processes of their own, from the built entries, with real proxies. */
export interface Detached extends AsyncDisposable {
  readonly folder: TempFolder
  readonly paths: StatePaths
  readonly client: ControlClient
  readonly wish: Wish
  /** Starts one more supervisor, with more in its environment; it may lose the race. */
  start(env?: NodeJS.ProcessEnv): Started
  /** Resolves once a supervisor answers. */
  answered(): Promise<unknown>
}

interface Started {
  readonly process: ChildProcess
  /** Resolves when it has ended, with its last words. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>
}

/** The built entries are what is tested here, so they are built when a source is newer. */
export async function built(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/build.mjs'], { cwd: packageFolder() })
}

export async function detached(yaml: string): Promise<Detached> {
  const folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': yaml })
  const env = { PATH: process.env.PATH, HOME: folder.path, MCPCTL_HOME: `${folder.path}/.state` }
  const paths = statePaths(folder.path, env)
  const client = new ControlClient(paths.socket)
  const started: Started[] = []
  const rest = { files: [], envFiles: [], profile: undefined, groups: [], portOffset: 0, watch: true }
  return {
    folder,
    paths,
    client,
    wish: { cwd: folder.path, env, ...rest },
    start(more) {
      const one = launch(folder.path, { ...env, ...more })
      started.push(one)
      return one
    },
    answered: () => waitFor(() => client.ask('status')),
    async [Symbol.asyncDispose]() {
      for (const { process: child } of started) child.kill('SIGTERM')
      await Promise.all(started.map(({ ended }) => ended))
      for (const { pid } of markedProcesses(paths.folder)) process.kill(pid, 'SIGKILL')
      await folder[Symbol.asyncDispose]()
    },
  }
}

function launch(folder: string, env: NodeJS.ProcessEnv): Started {
  const child = spawn(process.execPath, [entryFile('supervisor'), folder], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return { process: child, ended: once(child, 'close').then(([code]) => ({ code, stderr })) }
}
