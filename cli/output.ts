import { type Diagnostic, place } from '../src/shared/diagnostic.ts'
import type { Context } from './context.ts'
import type { OutputFormat } from './flags.ts'
import { oneLine } from './untrusted.ts'

/** What a command found out: a document for programs, and the same in words for people. */
export interface Answer {
  readonly document: unknown
  /** Ends with a newline, or is empty when there is nothing to say. */
  readonly human: () => string
}

/** Writes the answer to stdout in the form that was asked for. */
export async function print(context: Context, { document, human }: Answer): Promise<void> {
  const { output } = context.flags
  context.stdout.write(output === 'human' ? human() : await encode(document, output))
}

/** Writes one item of an answer that never ends (logs, events): programs get one document per line. */
export async function printItem(context: Context, { document, human }: Answer): Promise<void> {
  const { output } = context.flags
  if (output === 'human') context.stdout.write(human())
  else if (output === 'yaml') context.stdout.write(`---\n${await encode(document, 'yaml')}`)
  else context.stdout.write(`${JSON.stringify(document)}\n`)
}

/** A line for people, on stderr; silent under `--quiet` and when a program reads the answer. */
export function note(context: Context, text: string): void {
  if (context.flags.quiet || context.flags.output !== 'human') return
  context.stderr.write(`${text}\n`)
}

/** Warnings, one line each, where a `note` is shown. */
export function warn(context: Context, warnings: readonly Diagnostic[]): void {
  for (const warning of warnings) note(context, `${place(warning)} ${warning.severity} ${oneLine(warning.message)}`)
}

/** A document of ours: `{apiVersion, kind, …}`. */
export function envelope<T extends object>(kind: string, content: T) {
  return { apiVersion: 'mcpctl/v1', kind, ...content } as const
}

async function encode(document: unknown, output: Exclude<OutputFormat, 'human'>): Promise<string> {
  if (output === 'json') return `${JSON.stringify(document, null, 2)}\n`
  if (output === 'ndjson') return `${JSON.stringify(document)}\n`
  const { yamlText } = await import('./yaml-text.ts')
  return yamlText(document)
}
