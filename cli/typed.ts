import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { CommandSpec, Flag, Invocation } from './command.ts'
import { type Flags, type GlobalOptions, globalFlags, mergeFlags, type Options, withoutTakenShort } from './flags.ts'
import { commands } from './table.ts'

/** A command line that was understood. */
export interface Typed {
  readonly spec: CommandSpec
  readonly flags: Flags
  readonly invocation: Invocation
}

/**
 * Reads a command line that begins with the name of a command and has nothing wrong with it, which is what nearly all are
 * like. Undefined for any other one, also when it asks for help: what to say about it `grammar.ts` knows, which means the
 * same by whatever both understand, and takes longer to load than most commands take to run.
 */
export function readPlainly([first, ...rest]: readonly string[]): Typed | undefined {
  const spec = commands.find(({ name, alias }) => first !== undefined && (first === name || first === alias))
  const read = spec && attempt(spec, rest)
  if (!spec || !read || !fits(spec, read.args.length)) return undefined
  return { spec, flags: mergeFlags({}, read.options), invocation: read }
}

interface Read extends Invocation {
  readonly options: Options & GlobalOptions
}

/** Undefined for what is not understood, or for a value that is refused. */
function attempt(spec: CommandSpec, rest: readonly string[]): Read | undefined {
  const switches = new Map(flagsOf(spec).map((flag) => [longName(flag), flag]))
  const options = Object.fromEntries([...switches].map(([name, flag]) => [name, shapeOf(flag)]))
  try {
    const { values, positionals } = parseArgs({ args: [...rest], options, allowPositionals: true })
    const entries = Object.entries(values).map(([name, value]) => meaningOf(name, value, switches.get(name)))
    // Named and shaped as the table says, after which the types are written.
    return { args: positionals, options: Object.fromEntries(entries) as Read['options'] }
  } catch {
    return undefined
  }
}

/** Its own flags, and the global ones but for short names that it uses itself. */
function flagsOf({ flags: own = [] }: CommandSpec): readonly Flag[] {
  return [...own, ...globalFlags.map((flag) => withoutTakenShort(flag, own))]
}

/** `-n, --tail <lines>` is `tail`. */
function longName({ flags }: Flag): string {
  return /--([\w-]+)/.exec(flags)?.[1] ?? flags
}

function shapeOf({ flags }: Flag): NonNullable<ParseArgsConfig['options']>[string] {
  const short = /^-(\w),/.exec(flags)?.[1]
  const named = short === undefined ? {} : { short }
  return flags.includes('<') ? { type: 'string', multiple: true, ...named } : { type: 'boolean', ...named }
}

/** The entry of the options that a flag stands for: `--wait-timeout 1s` is `waitTimeout: 1000`, `--no-watch` `watch: false`. */
function meaningOf(name: string, value: unknown, flag: Flag | undefined): [string, unknown] {
  if (Array.isArray(value)) return [camel(name), flag?.repeatable ? value : oneOf(value, flag)]
  return name.startsWith('no-') ? [camel(name.slice(3)), false] : [camel(name), value]
}

function oneOf([value, ...more]: readonly unknown[], { parse, choices }: Partial<Flag> = {}): unknown {
  if (more.length > 0 || choices?.every((choice) => choice !== value)) throw new Error('not plain')
  return parse ? parse(String(value)) : value
}

function camel(name: string): string {
  return name.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase())
}

/** Whether so many arguments are as many as `<target> <tool> [arguments...]` takes. */
function fits({ args = '' }: CommandSpec, count: number): boolean {
  const places = args.split(' ').filter((place) => place !== '')
  const least = places.filter((place) => place.startsWith('<')).length
  return count >= least && (args.includes('...') || count <= places.length)
}
