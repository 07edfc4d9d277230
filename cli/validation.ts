import type { Diagnostic } from '../src/shared/diagnostic.ts'
import { McpctlError } from '../src/shared/errors.ts'
import type { Context } from './context.ts'
import { githubAnnotations, sarifLog } from './diagnostics-format.ts'
import type { DiagnosticFormat } from './flags.ts'
import { envelope, print, warn } from './output.ts'

export interface Validation {
  readonly profiles: readonly string[]
  readonly problems: readonly Diagnostic[]
  readonly format: DiagnosticFormat | undefined
}

/** Prints the verdict in the form asked for, and throws `config_invalid` when there is an error in it. */
export async function reportValidation(context: Context, validation: Validation): Promise<void> {
  const { profiles, problems } = validation
  const errors = problems.filter((problem) => problem.severity === 'error')
  const format = validation.format ?? (context.flags.output === 'human' ? 'human' : 'json')
  if (format === 'github') context.stdout.write(githubAnnotations(problems))
  if (format === 'sarif') context.stdout.write(`${JSON.stringify(sarifLog(problems, context.version), null, 2)}\n`)
  if (format === 'json') await printDocument(context, { valid: errors.length === 0, profiles, diagnostics: problems })
  const warnings = problems.filter((problem) => problem.severity === 'warning')
  if (format === 'human') warn(context, warnings)
  // What stdout has already told people need not be told again; a program gets it in the error document too.
  const isTold = format !== 'human' && context.flags.output === 'human'
  if (errors.length > 0) throw invalid(errors, isTold ? [] : errors)
  if (format === 'human') context.stdout.write(`valid: ${profiles.join(', ')}\n`)
}

interface Verdict {
  readonly valid: boolean
  readonly profiles: readonly string[]
  readonly diagnostics: readonly Diagnostic[]
}

async function printDocument(context: Context, verdict: Verdict): Promise<void> {
  const document = envelope('Validation', verdict)
  const output = context.flags.output === 'human' ? 'json' : context.flags.output
  await print({ ...context, flags: { ...context.flags, output } }, { document, human: () => '' })
}

function invalid({ length }: readonly Diagnostic[], diagnostics: readonly Diagnostic[]): McpctlError {
  const count = length === 1 ? 'there is an error' : `there are ${length} errors`
  return new McpctlError('config_invalid', `${count} in the profile set`, { diagnostics })
}
