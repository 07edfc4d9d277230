import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, readFile, realpath } from 'node:fs/promises'
import { delimiter, dirname, join, sep } from 'node:path'
import type { StdioTransport } from '../../config/profile.ts'
import { manifestOf, programOf, programsOf } from './manifest.ts'

/** What `npx` would start. */
export interface Shortcut {
  /** The program, absolute. */
  readonly command: string
  readonly args: readonly string[]
  /** With the folders of programs that npx puts in front. */
  readonly path: string
}

/** Of npm: where it looks, and how it starts what it finds. */
const SETTINGS = /^\s*(?:cache|call|global|location|node-options|package|prefix|script-shell|workspaces?)\b/m

type Env = Readonly<Record<string, string>>

/** A package, and what of it is in the arguments: `@scope/name` or `name`, alone or with an exact version. */
interface Asked {
  readonly spec: string
  readonly name: string
  readonly version: string | undefined
  readonly args: readonly string[]
}

/**
 * What `npx` would start in `cwd` without asking the registry which version to take: a package that the project has
 * installed, or an exact version that is in npx's cache. It follows the steps of libnpmexec; undefined when any of them
 * could lead elsewhere, for then only npx knows. Never rejects.
 */
export async function shortcutOf({ command, args, cwd }: StdioTransport, env: Env): Promise<Shortcut | undefined> {
  const asked = command === 'npx' && process.platform !== 'win32' ? read(args) : undefined
  if (!asked || isConfigured(env)) return undefined
  const prefix = await prefixOf(cwd)
  if (prefix === undefined || (await isUnusual(asked, [prefix, env.HOME ?? '']))) return undefined
  const modules = join(prefix, 'node_modules')
  // Of several versions in one tree npx takes the name of the program from one and the program from another.
  const isInstalled = await exists(join(modules, asked.name))
  const tree: Tree | undefined = isInstalled ? { modules, bins: binFolders(cwd) } : cacheOf(asked, env)
  if (tree === undefined) return undefined
  const program = await installed(asked, tree)
  const bins = new Set([...tree.bins, ...binFolders(cwd)])
  return program === undefined ? undefined : { command: program, args: asked.args, path: pathOf(bins, env) }
}

/** Any other flag, and whatever is not a plain package (a range, a tag, an address, a folder), is for npx to read. */
function read(args: readonly string[]): Asked | undefined {
  const [spec = '', ...rest] = /^(?:-y|--yes)$/.test(args[0] ?? '') ? args.slice(1) : args
  const [, name, version] =
    /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(?:@(\d+\.\d+\.\d+(?:-[\w.-]+)?))?$/.exec(spec) ?? []
  return name === undefined ? undefined : { spec, name, version, args: rest }
}

/** npm reads its settings from the environment too: another prefix, another cache, another package. */
function isConfigured(env: Env): boolean {
  return Object.keys(env).some((name) => /^npm_config_/i.test(name))
}

/** The folder npm takes for the project: the nearest with a manifest or modules. Undefined inside a workspace. */
async function prefixOf(cwd: string): Promise<string | undefined> {
  let prefix: string | undefined
  for (const folder of upwards(cwd)) {
    const manifest = await manifestOf(folder)
    if (prefix !== undefined && manifest?.workspaces !== undefined) return undefined
    if (manifest || (await exists(join(folder, 'node_modules')))) prefix ??= folder
  }
  return prefix ?? cwd
}

/** A project that has a program of this name itself (npx would install the project), or settings that lead elsewhere. */
async function isUnusual({ name }: Asked, [prefix, home]: readonly [string, string]): Promise<boolean> {
  const manifest = await manifestOf(prefix)
  if (manifest?.directories !== undefined || Object.hasOwn(programsOf(manifest), name)) return true
  const settings = await Promise.all([prefix, home].map((folder) => textOf(join(folder, '.npmrc'))))
  return settings.some((text) => SETTINGS.test(text))
}

interface Tree {
  /** Where the package has to be. */
  readonly modules: string
  /** Where npx looks for its program, first to last. */
  readonly bins: readonly string[]
  /** Whether it is all there. */
  readonly isReady?: () => Promise<boolean>
}

/** The program of the package as npx finds it by its name, provided that it is the package's own. */
async function installed({ name, version }: Asked, { modules, bins, isReady }: Tree): Promise<string | undefined> {
  if (isReady && !(await isReady())) return undefined
  const home = join(modules, name)
  const manifest = await manifestOf(home)
  if (manifest?.name !== name || (version !== undefined && manifest.version !== version)) return undefined
  const program = programOf(manifest)
  // A program that has the name of the package is found before any package, also among those installed globally.
  const isFoundFirst = version === undefined && !name.startsWith('@')
  if (program === undefined || (isFoundFirst && program !== name)) return undefined
  for (const folder of bins) {
    const bin = join(folder, program)
    if (await isProgram(bin)) return (await belongsTo(bin, home)) ? bin : undefined
  }
  return undefined
}

/** npx's cache. An exact version never changes: what npx would learn from the registry about it is known. */
function cacheOf({ spec, version }: Asked, { HOME }: Env): Tree | undefined {
  if (version === undefined || !HOME) return undefined
  const hash = createHash('sha512').update(spec).digest('hex').slice(0, 16)
  const folder = join(HOME, '.npm', '_npx', hash)
  const modules = join(folder, 'node_modules')
  // npm writes its hidden lockfile last; its own lock means that it is at work.
  const isReady = async () =>
    (await exists(join(modules, '.package-lock.json'))) && !(await exists(join(folder, 'concurrency.lock')))
  return { modules, bins: [join(modules, '.bin')], isReady }
}

function pathOf(bins: Iterable<string>, { PATH }: Env): string {
  return [...bins, ...(PATH ? [PATH] : [])].join(delimiter)
}

/** `node_modules/.bin` of the folder and of all above it, as npx puts them into PATH. */
function binFolders(cwd: string): string[] {
  return upwards(cwd).map((folder) => join(folder, 'node_modules', '.bin'))
}

function upwards(folder: string): string[] {
  return dirname(folder) === folder ? [folder] : [folder, ...upwards(dirname(folder))]
}

function belongsTo(file: string, folder: string): Promise<boolean> {
  return Promise.all([realpath(file), realpath(folder)]).then(
    ([real, home]) => real.startsWith(`${home}${sep}`),
    () => false,
  )
}

function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Empty when there is no such file, or none for us to read. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
