import type { Flag } from './command.ts'

const outputs = ['human', 'json', 'yaml', 'ndjson'] as const
const progressModes = ['auto', 'tty', 'plain', 'json', 'quiet'] as const
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
  readonly exitCode?: boolean
  readonly follow?: boolean
  readonly tail?: number
  readonly format?: DiagnosticFormat
  readonly origin?: boolean
  readonly diff?: string
  readonly unset?: boolean
  readonly args?: Readonly<Record<string, unknown>>
  readonly count?: number
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
  }
}

/** Understood before and after the command. */
export const globalFlags: readonly Flag[] = [
  { flags: '-p, --profile <name>', summary: 'the profile; beats $MCPCTL_PROFILE and $ENV' },
  { flags: '-f, --file <path>', summary: 'profile set, a file or a folder; repeatable, later wins', repeatable: true },
  { flags: '--env-file <path>', summary: 'read variables from this file too; repeatable', repeatable: true },
  { flags: '-o, --output <format>', summary: 'form of the answer', choices: outputs },
  { flags: '--json', summary: 'the same as -o json' },
  { flags: '-q, --quiet', summary: 'only the answer and errors' },
  { flags: '-v, --verbose', summary: 'say more, also where an unexpected error came from' },
  { flags: '--no-color', summary: 'no colours' },
  { flags: '--progress <mode>', summary: 'how to show progress', choices: progressModes },
  { flags: '-y, --yes', summary: 'never ask' },
]

/** `logs -f` follows: where a command has a short flag of its own, the global one is only known by its long name. */
export function withoutTakenShort(flag: Flag, own: readonly Flag[]): Flag {
  const [short = '', long] = flag.flags.split(', ')
  const taken = long && own.some(({ flags }) => flags.startsWith(`${short},`))
  return taken ? { ...flag, flags: long } : flag
}
