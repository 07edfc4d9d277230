import { printApplied } from '../change-groups.ts'
import type { Run } from '../command.ts'
import { note, warn } from '../output.ts'
import { findProject } from '../project.ts'
import { settle, WAIT_TIMEOUT } from '../settle.ts'

/** Reads the profile set again and applies the difference; an invalid one changes nothing. */
export const run: Run = async (context, { options }) => {
  const { control } = await findProject(context)
  const change = () => control.ask('reload', { dryRun: options.dryRun ?? false })
  if (options.dryRun || !options.wait) {
    const applied = await change()
    warn(context, applied.warnings)
    await printApplied(context, applied)
    return 0
  }
  const timeout = options.waitTimeout ?? WAIT_TIMEOUT
  const { applied, failure, summary } = await settle(context, { control, timeout, change, groups: [] })
  if (failure) throw failure
  if (applied) {
    warn(context, applied.warnings)
    await printApplied(context, applied)
  }
  note(context, summary)
  return 0
}
