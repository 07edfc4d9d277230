import manifest from '../package.json' with { type: 'json' }
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
  if (format === 'sarif') context.stdout.write(`${JSON.stringify(sarifLog(problems, manifest.version), null, 2)}\n`)
  if (format === 'json') await printDocument(context, { profiles, problems, valid: errors.length === 0 })
  if (format === 'human')
    warn(
      context,
      problems.filter((problem) => problem.severity === 'warning'),
    )
  if (errors.length > 0) throw invalid(errors, format)
  if (format === 'human') context.stdout.write(`valid: ${profiles.join(', ')}\n`)
}

async function printDocument(
  context: Context,
  { profiles, problems, valid }: { profiles: readonly string[]; problems: readonly Diagnostic[]; valid: boolean },
) {
  const document = envelope('Validation', { valid, profiles, diagnostics: problems })
  const output = context.flags.output === 'human' ? 'json' : context.flags.output
  await print({ ...context, flags: { ...context.flags, output } }, { document, human: () => '' })
}

/** The annotations already say what is wrong: the failure then only counts. */
function invalid(errors: readonly Diagnostic[], format: DiagnosticFormat): McpctlError {
  const message =
    errors.length === 1
      ? 'there is an error in the profile set'
      : `there are ${errors.length} errors in the profile set`
  const isSaid = format === 'github' || format === 'sarif'
  return new McpctlError('config_invalid', message, { diagnostics: isSaid ? [] : errors })
}
