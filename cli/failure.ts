import { type Diagnostic, place } from '../src/shared/diagnostic.ts'
import type { McpctlError } from '../src/shared/errors.ts'
import type { Context } from './context.ts'
import { type Paint, painter } from './paint.ts'
import { plainText } from './untrusted.ts'

/** More problems than this are counted, not shown: the first ones are where repair begins. */
const SHOWN = 10

/** Says on stderr why the command failed: one JSON line for programs, else message, problems and hint. */
export function reportFailure(context: Context, error: McpctlError): void {
  if (context.flags.output === 'human') {
    context.stderr.write(
      describeFailure(error, { paint: painter(context, context.stderr), verbose: context.flags.verbose }),
    )
    return
  }
  context.stderr.write(`${JSON.stringify({ error })}\n`)
}

/** The words of a failure, e.g. `mcpctl: profiles/dev.yaml is invalid` and what stands where. */
export function describeFailure(error: McpctlError, { paint, verbose }: { paint: Paint; verbose: boolean }): string {
  const lines = [`${paint('red', 'mcpctl:')} ${plainText(error.message)}`]
  if (error.diagnostics.length > 0) lines.push(describeProblems(error.diagnostics, paint).trimEnd())
  if (error.hint) lines.push(`${paint('dim', 'hint:')} ${plainText(error.hint)}`)
  if (error.code === 'unexpected') lines.push(...originOf(error, verbose))
  return `${lines.join('\n')}\n`
}

/** `file:line:col severity message` and the frame of each problem, at most ten. */
export function describeProblems(problems: readonly Diagnostic[], paint: Paint): string {
  const shown = problems.slice(0, SHOWN).map((problem) => describeProblem(problem, paint))
  const more = problems.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more\n`] : [])].join('\n')
}

function describeProblem(problem: Diagnostic, paint: Paint): string {
  const severity = paint(problem.severity === 'error' ? 'red' : 'yellow', problem.severity)
  const hint = problem.hint ? `\n  hint: ${plainText(problem.hint)}` : ''
  const frame = problem.frame ? `\n${plainText(problem.frame).trimEnd()}` : ''
  return `${place(problem)} ${severity} ${plainText(problem.message)}${hint}${frame}\n`
}

/** The stack of a failure nobody expected is for those who ask: it is noise to everybody else. */
function originOf(error: McpctlError, verbose: boolean): string[] {
  if (!verbose) return ['hint: run it again with -v to see where this came from, and please report it']
  const { cause } = error
  return [(cause instanceof Error ? cause.stack : error.stack) ?? error.message]
}
