export const outputs = ['human', 'json', 'yaml', 'ndjson'] as const
export const progressModes = ['auto', 'tty', 'plain', 'json', 'quiet'] as const
export const formats = ['human', 'json', 'github', 'sarif'] as const

export type OutputFormat = (typeof outputs)[number]
export type ProgressMode = (typeof progressModes)[number]
export type DiagnosticFormat = (typeof formats)[number]

/** The global flags, resolved: they stand before or after the command. */
export interface Flags {
  readonly profile: string | undefined
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  readonly output: OutputFormat
  readonly progress: ProgressMode
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  /** Profile sets that others may change are taken all the same. */
  readonly allowInsecureConfig: boolean
}

/** The flags of single commands, under the names commander gives them; absent means not given. */
export interface Options {
  readonly detach?: boolean
  readonly wait?: boolean
  /** Milliseconds. */
  readonly waitTimeout?: number
  readonly watch?: boolean
  readonly portOffset?: number
  readonly dryRun?: boolean
  readonly resume?: boolean
  readonly allowEmpty?: boolean
  readonly exitCode?: boolean
  readonly follow?: boolean
  readonly tail?: number
  readonly format?: DiagnosticFormat
  readonly strict?: boolean
  readonly origin?: boolean
  readonly diff?: string
  readonly unset?: boolean
  readonly args?: Readonly<Record<string, unknown>>
  readonly count?: number
  readonly check?: boolean
  /** `SERVER` or `SERVER/NAME`. */
  readonly accept?: readonly string[]
}

/** The global flags as commander hands them over, once from before the command and once from after it. */
export interface GlobalOptions {
  readonly profile?: string
  readonly file?: readonly string[]
  readonly envFile?: readonly string[]
  readonly output?: OutputFormat
  readonly json?: boolean
  readonly progress?: ProgressMode
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color?: boolean
  readonly allowInsecureConfig?: boolean
}

/** One set of flags from both places: lists add up, of the rest the later one wins. */
export function mergeFlags(before: GlobalOptions, after: GlobalOptions): Flags {
  const last = { ...before, ...after }
  const json = after.json ?? (after.output ? false : before.json)
  return {
    profile: last.profile,
    files: [...(before.file ?? []), ...(after.file ?? [])],
    envFiles: [...(before.envFile ?? []), ...(after.envFile ?? [])],
    output: json ? 'json' : (last.output ?? 'human'),
    progress: last.progress ?? 'auto',
    quiet: last.quiet ?? false,
    verbose: last.verbose ?? false,
    color: before.color !== false && after.color !== false,
    allowInsecureConfig: last.allowInsecureConfig ?? false,
  }
}
