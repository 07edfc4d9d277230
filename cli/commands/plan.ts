import { printApplied } from '../change-groups.ts'
import type { Run } from '../command.ts'
import { warn } from '../output.ts'
import { findProject, presentStatus } from '../project.ts'
import { remembered } from '../remembered.ts'
import { wishOf } from '../wish.ts'

/** What `up` would do now, with a cause on each action; changes nothing. */
export const run: Run = async (context, invocation) => {
  const { control, folder } = await findProject(context)
  const wish = wishOf(context, invocation)
  const applied = (await presentStatus(control))
    ? await control.ask('plan', wish)
    : await import('../local-plan.ts').then(async ({ planFromNothing }) =>
        planFromNothing({ wish, remembered: await remembered(context, folder) }),
      )
  warn(context, applied.warnings)
  await printApplied(context, applied)
  return 0
}
