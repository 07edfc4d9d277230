import type { Applied } from '../src/control/protocol.ts'
import type { Context } from './context.ts'
import { envelope, note, print } from './output.ts'
import { painter } from './paint.ts'
import { planLines } from './plan-text.ts'
import { findProject } from './project.ts'
import { settle, WAIT_TIMEOUT } from './settle.ts'
import { findGroups } from './target.ts'

export interface GroupChange {
  readonly route: 'restart' | 'start' | 'stop'
  readonly groups: readonly string[]
}

/** Asks for the change, waits until what should run is ready again, and prints what was done and why. */
export async function changeGroups(context: Context, { route, groups }: GroupChange): Promise<number> {
  const { control } = await findProject(context)
  findGroups(await control.ask('status'), groups)
  const change = () => control.ask(route, { groups })
  if (route === 'stop') {
    await printApplied(context, await change())
    return 0
  }
  const { applied, failure, summary } = await settle(context, { control, timeout: WAIT_TIMEOUT, change, groups })
  if (failure) throw failure
  if (applied) await printApplied(context, applied)
  note(context, summary)
  return 0
}

/** The plan that was carried out, or would be. */
export async function printApplied(context: Context, applied: Applied): Promise<void> {
  const lines = planLines(applied.plan, painter(context, context.stdout))
  await print(context, {
    document: envelope('Plan', applied),
    human: () => (lines.length > 0 ? `${lines.join('\n')}\n` : 'nothing to do\n'),
  })
}
