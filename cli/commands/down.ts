import type { Run } from '../command.ts'
import { envelope, note, print } from '../output.ts'
import { findProject } from '../project.ts'
import { presentStatus } from '../up/detached.ts'

/** Stops everything the project's supervisor started, and the supervisor; nothing running is fine. */
export const run: Run = async (context) => {
  const { control } = await findProject(context)
  if (!(await presentStatus(control))) {
    note(context, 'nothing is running')
    await print(context, { document: envelope('Down', { stopped: [], killed: [] }), human: () => '' })
    return 0
  }
  const { stopped, killed } = await control.ask('down')
  if (killed.length > 0) note(context, `had to kill: ${killed.join(', ')}`)
  await print(context, {
    document: envelope('Down', { stopped, killed }),
    human: () => stopped.map((group) => `stopped ${group}\n`).join(''),
  })
  return 0
}
