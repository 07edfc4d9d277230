import { textOf } from '../../src/client/json.ts'
import { signature } from '../../src/client/signature.ts'
import { clip } from '../columns.ts'
import type { Run } from '../command.ts'
import { aside, printListing } from '../listing.ts'
import { oneLine } from '../untrusted.ts'

/** Every tool as a signature with the beginning of its description. */
export const run: Run = async (context, { args: [target] }) => {
  await printListing(context, {
    target,
    document: 'Tools',
    kinds: ['tools'],
    describe: (tool, paint) => {
      const description = clip(oneLine(textOf(tool['description'])), 100)
      const head = `  ${oneLine(signature(tool))}${aside(tool, paint)}`
      return description === '' ? head : `${head}\n      ${paint('dim', description)}`
    },
  })
  return 0
}
