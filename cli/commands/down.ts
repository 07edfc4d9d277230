import type { ControlClient } from '../../src/control/client.ts'
import { pause } from '../../src/shared/async.ts'
import type { Run } from '../command.ts'
import { envelope, note, print } from '../output.ts'
import { findProject, presentStatus } from '../project.ts'

/** How long a supervisor may take to end after it said that everything else has, in milliseconds. */
const EXIT_DEADLINE = 5000

/** Stops everything the project's supervisor started, and the supervisor; nothing running is fine. */
export const run: Run = async (context) => {
  const { control } = await findProject(context)
  if (!(await presentStatus(control))) {
    note(context, 'nothing is running')
    await print(context, { document: envelope('Down', { stopped: [], killed: [] }), human: () => '' })
    return 0
  }
  const { stopped, killed } = await control.ask('down')
  await gone(control)
  if (killed.length > 0) note(context, `had to kill: ${killed.join(', ')}`)
  await print(context, {
    document: envelope('Down', { stopped, killed }),
    human: () => stopped.map((group) => `stopped ${group}\n`).join(''),
  })
  return 0
}

/** The answer comes just before the end: whoever runs `up` next must not meet the old supervisor. */
async function gone(control: ControlClient): Promise<void> {
  const deadline = performance.now() + EXIT_DEADLINE
  while ((await presentStatus(control)) && performance.now() < deadline) await pause(20)
}
