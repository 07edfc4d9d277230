import type { GroupStatus, Status } from '../../src/control/protocol.ts'
import type { Context } from '../context.ts'
import { note, print } from '../output.ts'
import { painter } from '../paint.ts'
import { urlLines } from '../status-text.ts'

/** What `up` answers: where each group listens, and on stderr how long it took and what to try next. */
export async function printUp(
  context: Context,
  { status, summary }: { status: Status; summary: string },
): Promise<void> {
  note(context, summary)
  await print(context, {
    document: status,
    human: () => urlLines(status.groups.filter(isRunning), painter(context, context.stdout)),
  })
  const first = status.groups.find(isRunning)
  if (first) note(context, `next: mcpctl tools ${first.name}`)
}

function isRunning({ state }: GroupStatus): boolean {
  return state !== 'stopped' && state !== 'draining'
}
