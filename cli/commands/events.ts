import type { Run } from '../command.ts'
import { printItem } from '../output.ts'
import { painter } from '../paint.ts'
import { eventLines } from '../progress/event-lines.ts'
import { startTrack } from '../progress/track.ts'
import { findProject } from '../project.ts'

/** Every change as it happens, beginning with how things are, until the supervisor ends. */
export const run: Run = async (context) => {
  const { control } = await findProject(context)
  const paint = painter(context, context.stdout)
  let track = startTrack(performance.now())
  for await (const event of control.events(new AbortController().signal)) {
    const { lines, next } = eventLines(event, { track, now: performance.now(), paint })
    track = next
    await printItem(context, { document: event, human: () => lines.map((line) => `${line}\n`).join('') })
  }
  return 0
}
