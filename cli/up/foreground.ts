import type { Wish } from '../../src/control/protocol.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { RunningSupervisor } from '../../src/supervisor/start.ts'
import { prepareStateFolder } from '../../src/supervisor/state-folder.ts'
import type { Context } from '../context.ts'
import { note, warn } from '../output.ts'
import type { Project } from '../project.ts'
import { settle } from '../settle.ts'
import { followLogs } from './live-logs.ts'
import { printUp } from './summary.ts'

export interface UpOptions {
  readonly project: Project
  readonly wish: Wish
  /** Milliseconds. */
  readonly timeout: number
}

/**
 * Runs the supervisor in this process and talks to it through its control socket like any other client. Ends with 0
 * after Ctrl-C or `mcpctl down`; a second Ctrl-C forces. Throws `conflict` beside a running supervisor.
 */
export async function upInForeground(context: Context, options: UpOptions): Promise<number> {
  const supervisor = await start(context, options.project)
  const over = new AbortController()
  using _listener = context.onSignal((signal) => {
    // Without a terminal that could have hung up, a hangup asks to read the files again.
    if (signal === 'SIGHUP' && !context.stderr.isTTY) return supervisor.reload()
    if (!over.signal.aborted) note(context, 'stopping, once more to force')
    over.abort()
    supervisor.stop()
  })
  try {
    await serve(context, { ...options, signal: over.signal })
  } catch (error) {
    // Asked to stop, here or by `mcpctl down`: what broke off because of that is no failure.
    if (!over.signal.aborted && !isGone(error)) await endAndThrow(supervisor, error)
  }
  await supervisor.ended
  return 0
}

async function start(context: Context, { folder, paths }: Project): Promise<RunningSupervisor> {
  prepareStateFolder(paths)
  const { announceStart } = await import('../../src/supervisor/starting.ts')
  using _starting = announceStart(paths.folder)
  const { startSupervisor } = await import('../../src/supervisor/start.ts')
  return await startSupervisor({ folder, env: context.env })
}

async function serve(context: Context, { project, wish, timeout, signal }: UpOptions & { signal: AbortSignal }) {
  const { control } = project
  await using logs = followLogs(context, control)
  const change = () => control.ask('apply', wish)
  const settled = await settle(context, { control, timeout, change, groups: wish.groups })
  if (signal.aborted) return
  warn(context, settled.applied?.warnings ?? [])
  await printUp(context, settled)
  // Here a group that is not up is no reason to stop: the supervisor keeps trying, and the person watches.
  if (settled.failure) context.stderr.write(`${settled.failure.message}\n`)
  await logs.release()
}

function isGone(error: unknown): boolean {
  return error instanceof McpctlError && error.code === 'unreachable'
}

async function endAndThrow(supervisor: RunningSupervisor, error: unknown): Promise<never> {
  supervisor.stop()
  await supervisor.ended
  throw error
}
