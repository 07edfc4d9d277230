import { textOf } from '../../src/client/json.ts'
import type { Run } from '../command.ts'
import { printListing } from '../listing.ts'
import { oneLine } from '../untrusted.ts'

/** Every resource and resource template with its name. */
export const run: Run = async (context, { args: [target] }) => {
  await printListing(context, {
    target,
    document: 'Resources',
    kinds: ['resources', 'resourceTemplates'],
    describe: (item, paint) => {
      const uri = textOf(item['uri']) || textOf(item['uriTemplate'])
      return `  ${oneLine(uri)}  ${paint('dim', oneLine(textOf(item['title']) || textOf(item['name'])))}`
    },
  })
  return 0
}
