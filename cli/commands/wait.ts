import type { Run } from '../command.ts'
import { note, print } from '../output.ts'
import { findProject } from '../project.ts'
import { settle, WAIT_TIMEOUT } from '../settle.ts'
import { findGroups } from '../target.ts'

/** Resolves when the named groups (all without names) are ready or degraded. */
export const run: Run = async (context, { args, options }) => {
  const { control } = await findProject(context)
  findGroups(await control.ask('status'), args)
  const timeout = options.waitTimeout ?? WAIT_TIMEOUT
  const { status, summary, failure } = await settle(context, { control, timeout, groups: args })
  if (failure) throw failure
  note(context, summary)
  await print(context, { document: status, human: () => '' })
  return 0
}
