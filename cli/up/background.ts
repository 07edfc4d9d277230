import type { Applied, Status } from '../../src/control/protocol.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Context } from '../context.ts'
import { note, warn } from '../output.ts'
import { painter } from '../paint.ts'
import { planLines } from '../plan-text.ts'
import { presentStatus, untilGone } from '../project.ts'
import { settle } from '../settle.ts'
import { startDetached } from './detached.ts'
import type { UpOptions } from './foreground.ts'
import { printUp } from './summary.ts'

export interface BackgroundOptions extends UpOptions {
  /** Return when every group is up, and fail when one is not. */
  readonly wait: boolean
}

/** Applies the wish to the project's supervisor, and starts one if there is none. Ends with 0. */
export async function upInBackground(context: Context, options: BackgroundOptions): Promise<number> {
  const { project } = options
  const before = await presentStatus(project.control)
  if (!before) await startDetached(context, project)
  try {
    await bringUp(context, { ...options, before })
  } catch (error) {
    if (!before || !(error instanceof McpctlError) || error.code !== 'unreachable') throw error
    // It was about to end (after a `down`, say): once it is gone, this is a first `up`.
    await untilGone(before.supervisor.pid)
    await startDetached(context, project)
    await bringUp(context, { ...options, before: undefined })
  }
  return 0
}

type BringUp = BackgroundOptions & { readonly before: Status | undefined }

async function bringUp(context: Context, options: BringUp): Promise<void> {
  const { wish, timeout, before } = options
  const { control } = options.project
  const change = () => control.ask('apply', wish)
  const announce = (applied: Applied) => (before ? difference(context, before, applied) : [])
  if (!options.wait) return startOnly(context, { ...options, change, announce })
  const settled = await settle(context, { control, timeout, change, announce, groups: wish.groups })
  warn(context, settled.applied?.warnings ?? [])
  if (settled.failure) throw settled.failure
  await printUp(context, settled)
}

interface StartOnly extends BringUp {
  readonly change: () => Promise<Applied>
  readonly announce: (applied: Applied) => readonly string[]
}

async function startOnly(context: Context, { project, change, announce }: StartOnly): Promise<void> {
  const applied = await change()
  for (const line of announce(applied)) note(context, line)
  warn(context, applied.warnings)
  const status = await project.control.ask('status')
  await printUp(context, { status, summary: `${applied.profile} is ${status.state}` })
}

/** What an `up` beside a running supervisor changes, and that it is another profile. */
function difference(context: Context, before: Status, { profile, plan }: Applied): string[] {
  const lines = planLines(plan, painter(context, context.stderr))
  if (before.profile === '' || before.profile === profile) return lines
  return [`switching from profile ${before.profile} to ${profile}`, ...lines]
}
