import type { ControlClient } from '../src/control/client.ts'
import type { Applied } from '../src/control/protocol.ts'
import { printApplied } from './change-groups.ts'
import type { Context } from './context.ts'
import type { Options } from './flags.ts'
import { note, warn } from './output.ts'
import { settle, WAIT_TIMEOUT } from './settle.ts'

export interface Change extends Pick<Options, 'wait' | 'waitTimeout'> {
  readonly control: ControlClient
  readonly change: () => Promise<Applied>
}

/** Makes the change, waits for every group to be ready if asked to, and prints what was done and why. Ends with 0. */
export async function applyChange(context: Context, { control, change, ...options }: Change): Promise<number> {
  if (!options.wait) {
    await show(context, await change())
    return 0
  }
  const timeout = options.waitTimeout ?? WAIT_TIMEOUT
  const { applied, failure, summary } = await settle(context, { control, timeout, change, groups: [] })
  if (failure) throw failure
  if (applied) await show(context, applied)
  note(context, summary)
  return 0
}

async function show(context: Context, applied: Applied): Promise<void> {
  warn(context, applied.warnings)
  await printApplied(context, applied)
}
