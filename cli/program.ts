import { Command, CommanderError, Option } from 'commander'
import { asError, McpctlError } from '../src/shared/errors.ts'
import type { CommandSpec, Flag } from './command.ts'
import type { Context, Surroundings } from './context.ts'
import { reportFailure } from './failure.ts'
import { type Flags, type GlobalOptions, mergeFlags, type Options, outputs, progressModes } from './flags.ts'
import { commands } from './table.ts'

/** Runs what was typed and resolves with the exit code; failures are already reported on stderr. Never rejects. */
export async function runProgram(argv: readonly string[], around: Surroundings): Promise<number> {
  // Until the flags are read, a failure is reported in the form they ask for as far as one can tell.
  let context: Context = { ...around, flags: earlyFlags(argv) }
  let exit = 0
  const program = buildProgram({
    around,
    specs: specsFor(argv),
    start: async (flags, run) => {
      context = contextOf(around, flags)
      exit = await run(context)
    },
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (thrown) {
    if (thrown instanceof CommanderError && isHelp(thrown, argv)) {
      if (thrown.code === 'commander.help') around.stdout.write(program.helpInformation())
      return 0
    }
    const error = thrown instanceof CommanderError ? usageError(thrown) : asError(thrown)
    reportFailure(context, error)
    return error.exit
  }
}

/** What is allowed by a flag holds wherever the files are read, also in the supervisor: it goes where the environment goes. */
function contextOf(around: Surroundings, flags: Flags): Context {
  if (!flags.allowInsecureConfig) return { ...around, flags }
  return { ...around, flags, env: { ...around.env, MCPCTL_ALLOW_INSECURE_CONFIG: '1' } }
}

interface Wiring {
  readonly around: Surroundings
  /** The commands it knows. */
  readonly specs: readonly CommandSpec[]
  readonly start: (flags: Flags, run: (context: Context) => Promise<number>) => Promise<void>
}

/** A command typed first can only be that one; to describe all the others to commander would take as long as to run it. */
function specsFor([first]: readonly string[]): readonly CommandSpec[] {
  const typed = commands.filter(({ name, alias }) => first === name || (first !== undefined && first === alias))
  return typed.length > 0 ? typed : commands
}

function buildProgram({ around, specs, start }: Wiring): Command {
  const program = new Command('mcpctl')
    .description('One port per group of MCP servers: start, watch, reload and try them.')
    .version(around.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ subcommandTerm })
    .configureOutput({ writeOut: (text) => around.stdout.write(text), writeErr: () => {} })
  program.helpCommand('help [command]', 'show help for a command')
  for (const flag of globalFlags) program.addOption(toOption(flag))
  for (const spec of specs) addCommand(program, spec, start)
  return program
}

/** `status|ps [groups...]`: that every command has flags goes without saying. */
function subcommandTerm(command: Command): string {
  const names = [command.name(), ...command.aliases()].join('|')
  return `${names} ${command.usage().replace(/\[options\] ?/, '')}`.trim()
}

function addCommand(program: Command, spec: CommandSpec, start: Wiring['start']): void {
  const command = program.command(spec.args ? `${spec.name} ${spec.args}` : spec.name).summary(spec.summary)
  command.description(`${capital(spec.summary)}.`)
  if (spec.alias) command.alias(spec.alias)
  for (const flag of spec.flags ?? []) command.addOption(toOption(flag))
  for (const flag of globalFlags) command.addOption(toOption(withoutTakenShort(flag, spec)).hideHelp())
  const examples = spec.examples.map((line) => `  $ ${line}`).join('\n')
  command.addHelpText('after', `\nExamples:\n${examples}\n\nFlags of every command: mcpctl --help`)
  command.action(async () => {
    const flags = mergeFlags(program.opts<GlobalOptions>(), command.opts<GlobalOptions>())
    const invocation = { args: command.args, options: command.opts<Options>() }
    await start(flags, (context) => spec.run(context, invocation))
  })
}

/** Understood before and after the command. */
const globalFlags: readonly Flag[] = [
  { flags: '-p, --profile <name>', summary: 'the profile; beats $MCPCTL_PROFILE and $ENV' },
  { flags: '-f, --file <path>', summary: 'profile set, a file or a folder; repeatable, later wins' },
  { flags: '--env-file <path>', summary: 'read variables from this file too; repeatable' },
  { flags: '--allow-insecure-config', summary: 'read files that others may change, too' },
  { flags: '-o, --output <format>', summary: 'form of the answer', choices: outputs },
  { flags: '--json', summary: 'the same as -o json' },
  { flags: '-q, --quiet', summary: 'only the answer and errors' },
  { flags: '-v, --verbose', summary: 'say more, also where an unexpected error came from' },
  { flags: '--no-color', summary: 'no colours' },
  { flags: '--progress <mode>', summary: 'how to show progress', choices: progressModes },
  { flags: '-y, --yes', summary: 'never ask' },
]

function toOption({ flags, summary, parse, choices, hidden }: Flag): Option {
  const option = new Option(flags, summary)
  if (choices) option.choices(choices)
  if (parse) option.argParser(parse)
  if (hidden) option.hideHelp()
  if (['file', 'envFile'].includes(option.attributeName())) option.argParser(append)
  return option
}

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

/** `logs -f` follows: where a command has a short flag of its own, the global one is only known by its long name. */
function withoutTakenShort(flag: Flag, spec: CommandSpec): Flag {
  const [short = '', long] = flag.flags.split(', ')
  const taken = long && spec.flags?.some((own) => own.flags.startsWith(`${short},`))
  return taken ? { ...flag, flags: long } : flag
}

function earlyFlags(argv: readonly string[]): Flags {
  const end = argv.indexOf('--')
  const typed = end < 0 ? argv : argv.slice(0, end)
  const json = typed.some(
    (arg, i) =>
      arg === '--json' ||
      /^(-o=?|--output=)json$/.test(arg) ||
      (arg === 'json' && /^(-o|--output)$/.test(typed[i - 1] ?? '')),
  )
  return mergeFlags({ json, color: !typed.includes('--no-color') }, {})
}

/** Asked for, or no command was typed at all; commander counts that as an error, and also help on what is not there. */
function isHelp({ exitCode, code }: CommanderError, argv: readonly string[]): boolean {
  return exitCode === 0 || (code === 'commander.help' && !argv.includes('help'))
}

/** `error: unknown command 'stats'\n(Did you mean status?)` in our own form. */
function usageError(error: CommanderError): McpctlError {
  if (error.code === 'commander.help')
    return new McpctlError('usage', 'there is no help on that', { hint: 'mcpctl --help lists the commands' })
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1')
  return new McpctlError('usage', first, { hint: suggestion || 'see mcpctl --help', cause: error })
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
