import { promptText } from '../../src/client/content.ts'
import type { Run } from '../command.ts'
import { connectTo, targetOf } from '../mcp.ts'
import { print } from '../output.ts'
import { shown } from '../untrusted.ts'
import { keyValues } from '../values.ts'

/** A prompt filled in with arguments, as the messages a client would send to its model. */
export const run: Run = async (context, { args: [target = '', name = '', ...pairs], options }) => {
  await using client = await connectTo(context, await targetOf(context, target))
  const result = await client.prompt(name, { ...options.args, ...keyValues(pairs) })
  await print(context, { document: result, human: () => shown(promptText(result), context.stdout) })
  return 0
}
