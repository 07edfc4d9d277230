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
  return upDetached(context, { ...options, wait })
}

async function upDetached(context: Context, { project, wish, timeout, wait }: UpOptions & { wait: boolean }) {
  const { control } = project
  const before = await presentStatus(control)
  if (!before) await startDetached(context, project)
  const change = async () => {
    const applied = await control.ask('apply', wish)
    if (before && before.profile !== '' && before.profile !== applied.profile)
      note(context, `switching from profile ${before.profile} to ${applied.profile}`)
    if (before) for (const line of planLines(applied.plan, painter(context, context.stderr))) note(context, line)
    warn(context, applied.warnings)
    return applied
  }
  if (!wait) {
    const { profile } = await change()
    const status = await control.ask('status')
    await printUp(context, { status, summary: `${profile} is ${status.state}` })
    return 0
  }
  const settled = await settle(context, { control, timeout, change, groups: wish.groups })
  if (settled.failure) throw settled.failure
  await printUp(context, settled)
  return 0
}
