import type { Context } from './context.ts'
import type { Options } from './flags.ts'

/** What was typed after the command's name. */
export interface Invocation {
  readonly args: readonly string[]
  readonly options: Options
}

/** Does a command's work and resolves with the exit code; failures are thrown as McpctlError. */
export type Run = (context: Context, invocation: Invocation) => Promise<number>

/** A flag in commander's own notation, e.g. `-n, --tail <lines>`. */
export interface Flag {
  readonly flags: string
  readonly summary: string
  /** Reads the value; throws McpctlError `usage`. */
  readonly parse?: (value: string) => unknown
  readonly choices?: readonly string[]
  readonly hidden?: boolean
}

/** One row of the command table. */
export interface CommandSpec {
  readonly name: string
  readonly alias?: string
  readonly summary: string
  /** Positionals in commander's notation, e.g. `[profile] [group...]`. */
  readonly args?: string
  readonly flags?: readonly Flag[]
  readonly examples: readonly string[]
  readonly run: Run
}

/** A command whose code is loaded only when it is the one that was typed. */
export function lazily(load: () => Promise<{ readonly run: Run }>): Run {
  return async (context, invocation) => {
    const { run } = await load()
    return run(context, invocation)
  }
}
