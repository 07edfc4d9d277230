import { applyChange } from '../apply.ts'
import type { Run } from '../command.ts'
import { findProject } from '../project.ts'

/** Reads the profile set again and applies the difference; an invalid one changes nothing. */
export const run: Run = async (context, { options }) => {
  const { control } = await findProject(context)
  const { dryRun = false, allowEmpty = false } = options
  const change = () => control.ask('reload', { dryRun, allowEmpty })
  return applyChange(context, { ...options, wait: (options.wait ?? false) && !dryRun, control, change })
}
