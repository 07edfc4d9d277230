import { projectFolder } from '../src/config/locate.ts'
import { ControlClient, isSilence } from '../src/control/client.ts'
import type { Status } from '../src/control/protocol.ts'
import { pause } from '../src/shared/async.ts'
import { McpctlError } from '../src/shared/errors.ts'
import { type StatePaths, statePaths } from '../src/shared/paths.ts'
import type { Context } from './context.ts'

/** How long a supervisor that is ending may take, in milliseconds. */
const EXIT_DEADLINE = 12_000

/** The project a command is about: found without reading any profile set, so that a broken one cannot lock you out. */
export interface Project {
  readonly folder: string
  readonly paths: StatePaths
  readonly control: ControlClient
}

export async function findProject({ cwd, env, flags }: Context): Promise<Project> {
  const folder = await projectFolder({ cwd, env, files: flags.files })
  const paths = statePaths(folder, env)
  return { folder, paths, control: new ControlClient(paths.socket) }
}

/** The status of the running supervisor; undefined when there is none. Throws `unreachable` when it hangs. */
export async function presentStatus(control: ControlClient): Promise<Status | undefined> {
  try {
    return await control.ask('status')
  } catch (error) {
    if (error instanceof McpctlError && error.code === 'unreachable' && !isSilence(error)) return undefined
    throw error
  }
}

/** Resolves when the supervisor's process has ended, or after the deadline; a zombie counts as ended. */
export async function untilGone(pid: number): Promise<void> {
  const { isAlive } = await import('../src/supervisor/procfs.ts')
  const deadline = performance.now() + EXIT_DEADLINE
  while (isAlive(pid) && performance.now() < deadline) await pause(20)
}
