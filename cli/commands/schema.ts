import { schemaText } from '../../src/config/schema-text.ts'
import { didYouMean } from '../../src/config/suggest.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Run } from '../command.ts'

const names = ['mcpctl', 'profile', 'defs', 'lock'] as const

/** A JSON Schema of the files people write; without a name the one of the base file. */
export const run: Run = async (context, { args: [name = 'mcpctl'] }) => {
  const known = names.find((one) => one === name)
  if (known === undefined) throw unknown(name)
  context.stdout.write(schemaText(known))
  return 0
}

function unknown(name: string): McpctlError {
  return new McpctlError('usage', `unknown schema "${name}"`, { hint: didYouMean(name, names) })
}
