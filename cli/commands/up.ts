import type { Applied, Status } from '../../src/control/protocol.ts'
import type { Run } from '../command.ts'
import { type Context, isCi } from '../context.ts'
import { note, warn } from '../output.ts'
import { painter } from '../paint.ts'
import { planLines } from '../plan-text.ts'
import { findProject, presentStatus } from '../project.ts'
import { settle, WAIT_TIMEOUT } from '../settle.ts'
import { startDetached } from '../up/detached.ts'
import { type UpOptions, upInForeground } from '../up/foreground.ts'
import { printUp } from '../up/summary.ts'
import { wishOf } from '../wish.ts'

/** Brings the project to the wished profile; `--wait` means in the background, as it does for docker compose. */
export const run: Run = async (context, invocation) => {
  const { detach, wait = isCi(context.env), waitTimeout } = invocation.options
  const project = await findProject(context)
  const options = { project, wish: wishOf(context, invocation), timeout: waitTimeout ?? WAIT_TIMEOUT }
  if (!detach && !invocation.options.wait) return upInForeground(context, options)
  return upInBackground(context, { ...options, wait })
}

async function upInBackground(context: Context, options: UpOptions & { readonly wait: boolean }): Promise<number> {
  const { project, wish, timeout, wait } = options
  const { control } = project
  const before = await presentStatus(control)
  if (!before) await startDetached(context, project)
  const change = () => control.ask('apply', wish)
  const announce = (applied: Applied) => (before ? difference(context, before, applied) : [])
  if (!wait) {
    const applied = await change()
    for (const line of announce(applied)) note(context, line)
    warn(context, applied.warnings)
    const status = await control.ask('status')
    await printUp(context, { status, summary: `${applied.profile} is ${status.state}` })
    return 0
  }
  const settled = await settle(context, { control, timeout, change, announce, groups: wish.groups })
  warn(context, settled.applied?.warnings ?? [])
  if (settled.failure) throw settled.failure
  await printUp(context, settled)
  return 0
}

/** What an `up` beside a running supervisor changes, and that it is another profile. */
function difference(context: Context, before: Status, { profile, plan }: Applied): string[] {
  const lines = planLines(plan, painter(context, context.stderr))
  if (before.profile === '' || before.profile === profile) return lines
  return [`switching from profile ${before.profile} to ${profile}`, ...lines]
}
