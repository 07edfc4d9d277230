import { printApplied } from '../change-groups.ts'
import type { Run } from '../command.ts'
import { warn } from '../output.ts'
import { findProject } from '../project.ts'
import { wishOf } from '../wish.ts'

/** What `up` would do now, with a cause on each action; changes nothing. */
export const run: Run = async (context, invocation) => {
  const { control } = await findProject(context)
  const applied = await control.ask('plan', wishOf(context, invocation))
  warn(context, applied.warnings)
  await printApplied(context, applied)
  return 0
}
