import { Command, CommanderError, Option } from 'commander'
import { McpctlError } from '../src/shared/errors.ts'
import type { CommandSpec, Flag } from './command.ts'
import type { Surroundings } from './context.ts'
import { type GlobalOptions, globalFlags, mergeFlags, type Options, withoutTakenShort } from './flags.ts'
import { commands } from './table.ts'
import type { Typed } from './typed.ts'

/** Reads any command line. Prints help and the like, which leaves nothing to do; throws McpctlError `usage`. */
export function read(argv: readonly string[], around: Surroundings): Typed | undefined {
  let typed: Typed | undefined
  const program = buildProgram(around, specsFor(argv), (taken) => {
    typed = taken
  })
  try {
    program.parse(argv, { from: 'user' })
    return typed
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    if (!isHelp(thrown, argv)) throw usageError(thrown)
    if (thrown.code === 'commander.help') around.stdout.write(program.helpInformation())
    return undefined
  }
}

type Take = (typed: Typed) => void

/** A command typed first can only be that one; to describe all the others to commander would take as long as to run it. */
function specsFor([first]: readonly string[]): readonly CommandSpec[] {
  const typed = commands.filter(({ name, alias }) => first === name || (first !== undefined && first === alias))
  return typed.length > 0 ? typed : commands
}

function buildProgram({ stdout, version }: Surroundings, specs: readonly CommandSpec[], take: Take): Command {
  const program = new Command('mcpctl')
    .description('One port per group of MCP servers: start, watch, reload and try them.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ subcommandTerm })
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: () => {} })
  program.helpCommand('help [command]', 'show help for a command')
  for (const flag of globalFlags) program.addOption(toOption(flag))
  for (const spec of specs) addCommand(program, spec, take)
  return program
}

/** `status|ps [groups...]`: that every command has flags goes without saying. */
function subcommandTerm(command: Command): string {
  const names = [command.name(), ...command.aliases()].join('|')
  return `${names} ${command.usage().replace(/\[options\] ?/, '')}`.trim()
}

function addCommand(program: Command, spec: CommandSpec, take: Take): void {
  const command = program.command(spec.args ? `${spec.name} ${spec.args}` : spec.name).summary(spec.summary)
  command.description(`${capital(spec.summary)}.`)
  if (spec.alias) command.alias(spec.alias)
  for (const flag of spec.flags ?? []) command.addOption(toOption(flag))
  for (const flag of globalFlags) command.addOption(toOption(withoutTakenShort(flag, spec.flags ?? [])).hideHelp())
  const examples = spec.examples.map((line) => `  $ ${line}`).join('\n')
  command.addHelpText('after', `\nExamples:\n${examples}\n\nFlags of every command: mcpctl --help`)
  command.action(() => {
    const flags = mergeFlags(program.opts<GlobalOptions>(), command.opts<GlobalOptions>())
    take({ spec, flags, invocation: { args: command.args, options: command.opts<Options>() } })
  })
}

function toOption({ flags, summary, parse, choices, repeatable }: Flag): Option {
  const option = new Option(flags, summary)
  if (choices) option.choices(choices)
  if (parse) option.argParser(parse)
  if (repeatable) option.argParser(append)
  return option
}

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
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
