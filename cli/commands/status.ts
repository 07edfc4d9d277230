import type { Status } from '../../src/control/protocol.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { print, printItem } from '../output.ts'
import { painter } from '../paint.ts'
import { findProject } from '../project.ts'
import { statusText } from '../status-text.ts'
import { findGroups } from '../target.ts'

/** How everything is now; with `--watch` after every change, until the supervisor ends. */
export const run: Run = async (context, { args, options }) => {
  const { control } = await findProject(context)
  if (options.watch) {
    for await (const event of control.events(new AbortController().signal)) {
      if (event.type === 'status') await printAgain(context, only(event.status, args))
    }
    return 0
  }
  const status = only(await control.ask('status'), args)
  await print(context, answerOf(context, status))
  if (options.exitCode && status.state !== 'ready' && status.state !== 'degraded')
    throw new McpctlError('not_ready', `the project is ${status.state}`)
  return 0
}

function only(status: Status, names: readonly string[]): Status {
  return { ...status, groups: findGroups(status, names) }
}

function answerOf(context: Context, status: Status) {
  return { document: status, human: () => statusText(status, painter(context, context.stdout)) }
}

/** On a terminal the new picture replaces the old one. */
async function printAgain(context: Context, status: Status): Promise<void> {
  if (context.stdout.isTTY && context.flags.output === 'human') context.stdout.write('\u001b[H\u001b[2J')
  await printItem(context, answerOf(context, status))
}
