import { itemsOf, type Json, textOf } from '../../src/client/json.ts'
import { isRecord } from '../../src/shared/record.ts'
import type { Run } from '../command.ts'
import { aside, printListing } from '../listing.ts'
import { oneLine } from '../untrusted.ts'

/** Every prompt with its arguments. */
export const run: Run = async (context, { args: [target] }) => {
  await printListing(context, {
    target,
    document: 'Prompts',
    kinds: ['prompts'],
    describe: (prompt, paint) => {
      const head = `${textOf(prompt['name'])}(${argumentsOf(prompt)})`
      return `  ${oneLine(head)}${aside(prompt, paint)}  ${paint('dim', oneLine(textOf(prompt['description'])))}`
    },
  })
  return 0
}

function argumentsOf(prompt: Json): string {
  const all = itemsOf(prompt['arguments']).filter(isRecord)
  return all.map((argument) => `${textOf(argument['name'])}${argument['required'] === true ? '' : '?'}`).join(', ')
}
