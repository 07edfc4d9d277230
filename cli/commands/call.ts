import type { McpClient } from '../../src/client/client.ts'
import { resultText } from '../../src/client/content.ts'
import { textOf } from '../../src/client/json.ts'
import { didYouMean } from '../../src/config/suggest.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Run } from '../command.ts'
import { connectTo, targetOf } from '../mcp.ts'
import { note, print } from '../output.ts'
import { elapsed } from '../progress/step-line.ts'
import { shown } from '../untrusted.ts'
import { keyValues } from '../values.ts'

/** Calls a tool and prints its result; a tool that fails is exit 5. */
export const run: Run = async (context, { args: [target = '', tool = '', ...pairs], options }) => {
  const args = { ...options.args, ...keyValues(pairs) }
  await using client = await connectTo(context, await targetOf(context, target))
  const start = performance.now()
  const result = await client.call(tool, args).catch((error: unknown) => suggest(error, client, tool))
  note(context, `${tool} took ${elapsed(performance.now() - start)}`)
  await print(context, { document: result, human: () => shown(resultText(result), context.stdout) })
  if (result['isError'] === true) throw new McpctlError('tool_error', `${tool} reported an error`)
  return 0
}

/** A misspelt tool gets the nearest name as hint. */
async function suggest(error: unknown, client: McpClient, tool: string): Promise<never> {
  if (!(error instanceof McpctlError) || !error.message.startsWith('Unknown tool')) throw error
  const names = (await client.list('tools')).map(({ name }) => textOf(name))
  throw new McpctlError(error.code, error.message, { hint: didYouMean(tool, names), cause: error })
}
