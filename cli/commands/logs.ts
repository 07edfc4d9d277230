import type { Run } from '../command.ts'
import { logLine } from '../log-text.ts'
import { printItem } from '../output.ts'
import { painter } from '../paint.ts'
import { findProject } from '../project.ts'
import { findTarget, splitTarget } from '../target.ts'

/** The newest records, and with `-f` those to come. */
export const run: Run = async (context, { args: [target], options }) => {
  const { control } = await findProject(context)
  if (target !== undefined) findTarget(await control.ask('status'), target)
  const [group, server] = target === undefined ? [] : splitTarget(target)
  const query = {
    ...(group !== undefined && { group }),
    ...(server !== undefined && { server }),
    tail: options.tail ?? 100,
    follow: options.follow ?? false,
  }
  const paint = painter(context, context.stdout)
  for await (const record of control.logs(query, new AbortController().signal))
    await printItem(context, { document: record, human: () => logLine(record, paint) })
  return 0
}
