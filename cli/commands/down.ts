import type { ControlClient } from '../../src/control/client.ts'
import type { Answers, Status } from '../../src/control/protocol.ts'
import { pause } from '../../src/shared/async.ts'
import type { StatePaths } from '../../src/shared/paths.ts'
import type { Run } from '../command.ts'
import { envelope, note, print } from '../output.ts'
import { findProject, type Project, presentStatus, untilGone } from '../project.ts'

/** Between SIGTERM and SIGKILL for what a killed supervisor left behind, in milliseconds. */
const GRACE = 3000
/** How long a supervisor that is just starting may take until it answers, in milliseconds. */
const START_DEADLINE = 15_000

/** Stops everything the project's supervisor started, and the supervisor; nothing running is fine. */
export const run: Run = async (context) => {
  const project = await findProject(context)
  const { control, paths } = project
  const status = (await presentStatus(control)) ?? (await startingStatus(project))
  const { stopped, killed } = status ? await end(control, status.supervisor.pid) : await sweepUp(paths)
  if (!status) note(context, 'no supervisor is running')
  if (killed.length > 0) note(context, `had to kill: ${killed.join(', ')}`)
  await print(context, {
    document: envelope('Down', { stopped, killed }),
    human: () => stopped.map((group) => `stopped ${group}\n`).join(''),
  })
  return 0
}

/** Of the supervisor that an `up` is about to have: what ends before it has begun would begin afterwards. */
async function startingStatus({ control, paths }: Project): Promise<Status | undefined> {
  const { isStarting } = await import('../../src/supervisor/starting.ts')
  const deadline = performance.now() + START_DEADLINE
  while (isStarting(paths.folder) && performance.now() < deadline) {
    const status = await presentStatus(control)
    if (status) return status
    await pause(20)
  }
  return presentStatus(control)
}

/** The answer comes just before the end: whoever runs `up` next must not meet the old supervisor. */
async function end(control: ControlClient, pid: number): Promise<Answers['down']> {
  const answer = await control.ask('down')
  await untilGone(pid)
  return answer
}

/** A supervisor that was killed could not end what it had started. */
async function sweepUp({ folder }: StatePaths): Promise<Answers['down']> {
  const { sweep } = await import('../../src/supervisor/sweep.ts')
  return { stopped: [], killed: await sweep({ owner: folder, graceMs: GRACE }) }
}
