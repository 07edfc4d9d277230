import { contentsText } from '../../src/client/content.ts'
import { itemsOf, textOf } from '../../src/client/json.ts'
import { isRecord } from '../../src/shared/record.ts'
import type { Run } from '../command.ts'
import { connectTo, targetOf } from '../mcp.ts'
import { print } from '../output.ts'
import { shown } from '../untrusted.ts'

/** Reads a resource. Into a pipe or file its bytes go as they are, so that `> picture.png` works. */
export const run: Run = async (context, { args: [target = '', uri = ''] }) => {
  await using client = await connectTo(context, await targetOf(context, target))
  const result = await client.read(uri)
  const contents = itemsOf(result['contents']).filter(isRecord)
  const [only] = contents
  if (only && contents.length === 1 && 'blob' in only && !context.stdout.isTTY && context.flags.output === 'human') {
    context.stdout.write(Buffer.from(textOf(only['blob']), 'base64'))
    return 0
  }
  const human = () => contents.map((item) => withNewline(shown(contentsText(item), context.stdout))).join('')
  await print(context, { document: result, human })
  return 0
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
