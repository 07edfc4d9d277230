import { applyChange } from '../apply.ts'
import type { Run } from '../command.ts'
import { findProject } from '../project.ts'
import { count } from '../values.ts'

/** Puts an earlier configuration in force again; the files stay as they are. */
export const run: Run = async (context, { args: [generation], options }) => {
  const wanted = generation === undefined ? {} : { generation: count(generation) }
  const { control } = await findProject(context)
  return applyChange(context, { ...options, control, change: () => control.ask('rollback', wanted) })
}
