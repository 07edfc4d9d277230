import { realpath } from 'node:fs/promises'
import { basename, dirname, resolve, sep } from 'node:path'
import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Env } from '../shared/paths.ts'
import { fingerprintsOf } from './fingerprint.ts'
import { searchOf } from './include.ts'
import { fromMcpServers } from './mcp-servers.ts'
import type { Parses } from './parses.ts'
import { readSource, type Sources } from './read.ts'
import { checkSchema } from './schema.ts'
import { diagnose, type Place, type Source, sourceOf, unframed, wholeFile } from './source.ts'
import { child, itemsOf, type MapNode, textOf } from './tree.ts'
import { Trust } from './trust.ts'

const MAX_FILES = 32
const MAX_DEPTH = 8
const DEFAULT_INCLUDE = ['profiles/*.yaml', 'profiles/*.yml']

/** One file of the profile set, parsed and checked by itself. */
export interface SetFile {
  readonly source: Source
  readonly kind: 'base' | 'profile'
  readonly root: MapNode
  /** Which of the named places it came from: a later one wins. */
  readonly rank: number
}

/** A file of the set as it was written: what it takes to have the set again when its files are other ones by now. */
export interface WrittenFile {
  /** Absolute. */
  readonly path: string
  readonly text: string
  readonly rank: number
}

export interface SetFiles {
  /** Included files before the ones that include them. */
  readonly files: readonly SetFile[]
  readonly diagnostics: readonly Diagnostic[]
  /** Every file that was looked at, and every folder in which a new one could match an include. */
  readonly sources: Sources
}

interface Reading {
  readonly roots: readonly (readonly string[])[]
  /** The project folder. */
  readonly folder: string
  readonly cwd: string
  readonly env: Env
  readonly parses: Parses
}

/** Reads the files to begin with and all they include, each once. Never throws: what is wrong is in `diagnostics`. */
export async function readFiles({ roots, folder, cwd, env, parses }: Reading): Promise<SetFiles> {
  const found = { files: [], diagnostics: [], seen: new Set<string>(), sources: new Map<string, string>() }
  const walk: Walk = { cwd, parses, trust: new Trust(env, folder), ...found, rank: 0, boundary: '' }
  for (const [rank, root] of roots.entries()) {
    for (const path of root) {
      const boundary = await realFolder(dirname(path))
      await visit({ ...walk, rank, boundary }, { path, chain: [], from: undefined })
    }
  }
  const { files, diagnostics, sources } = walk
  return { files, diagnostics, sources }
}

/** The same from texts, in their order: whatever they include is among them. */
export function restoreFiles(written: readonly WrittenFile[], { cwd, parses }: Pick<Reading, 'cwd' | 'parses'>) {
  const diagnostics: Diagnostic[] = []
  const files = written.flatMap(({ path, text, rank }): SetFile[] => {
    const source = sourceOf(path, text, cwd)
    const understood = understand(source, { parses, diagnostics })
    return understood ? [{ source, ...understood, rank }] : []
  })
  return { files, diagnostics }
}

interface Walk {
  readonly cwd: string
  readonly parses: Parses
  readonly trust: Trust
  readonly files: SetFile[]
  readonly diagnostics: Diagnostic[]
  readonly seen: Set<string>
  readonly sources: Map<string, string>
  readonly rank: number
  /** Real path of the folder that includes may not leave. */
  readonly boundary: string
}

interface Visit {
  readonly path: string
  /** The files that include this one, outermost first. */
  readonly chain: readonly string[]
  /** Where it is included. */
  readonly from: Place | undefined
}

async function visit(walk: Walk, { path, chain, from }: Visit): Promise<void> {
  if (walk.seen.has(path)) return
  if (walk.seen.size === MAX_FILES) walk.diagnostics.push(tooMany(from, path, walk.cwd))
  walk.seen.add(path)
  if (walk.seen.size > MAX_FILES) return
  const { source, fingerprint, rights, problem } = await readSource(path, walk.cwd)
  walk.sources.set(path, fingerprint)
  if (problem !== undefined) {
    const at = from ?? wholeFile(source)
    walk.diagnostics.push(diagnose(at, { ...problem, message: `${source.shown} ${problem.message}` }))
    return
  }
  const distrust = await walk.trust.problemOf({ path, shown: source.shown, rights })
  if (distrust) walk.diagnostics.push(unframed(source, distrust))
  const understood = understand(source, walk)
  if (understood === undefined) return
  const file = { source, ...understood, rank: walk.rank }
  await followIncludes(walk, { file, chain: [...chain, path] })
  walk.files.push(file)
}

type Understanding = Pick<Walk, 'parses' | 'diagnostics'>

/** What a file is and says; undefined when it cannot be read as one of a profile set. */
function understand(source: Source, { parses, diagnostics }: Understanding) {
  const parsed = parses.parse(source)
  diagnostics.push(...parsed.diagnostics)
  if (parsed.root === undefined) return undefined
  const isForeign = child(parsed.root, 'mcpServers') !== undefined
  const foreign = isForeign ? fromMcpServers(parsed.root) : undefined
  diagnostics.push(...(foreign?.diagnostics ?? []))
  const root = foreign?.root ?? parsed.root
  const kind = isForeign ? ('profile' as const) : kindOf(source.path, root)
  diagnostics.push(...checkSchema(root, kind))
  return { kind, root }
}

function tooMany(from: Place | undefined, path: string, cwd: string): Diagnostic {
  const at = from ?? wholeFile({ path, shown: path, text: '', lines: [0] })
  return diagnose(at, { code: 'too_many_files', message: `more than ${MAX_FILES} files in the profile set of ${cwd}` })
}

const PROFILE_KEYS = ['groups', 'profile', 'extends', 'match', 'envFile', 'default', 'description']
const BASE_KEYS = ['version', 'name', 'include', 'servers', 'secrets', 'defaults', 'profiles']

/** By what is in it; a file without any key we know is what its folder says. */
function kindOf(path: string, root: MapNode): 'base' | 'profile' {
  if (PROFILE_KEYS.some((key) => root.entries.has(key)) && !root.entries.has('profiles')) return 'profile'
  if (BASE_KEYS.some((key) => root.entries.has(key))) return 'base'
  return basename(dirname(path)) === 'profiles' ? 'profile' : 'base'
}

interface Including {
  readonly file: SetFile
  /** Ends with the file itself. */
  readonly chain: readonly string[]
}

async function followIncludes(walk: Walk, { file, chain }: Including): Promise<void> {
  for (const { pattern, from } of patternsOf(file)) {
    const { paths, isGlob } = await expand(walk, dirname(file.source.path), pattern)
    if (from !== undefined && paths.length === 0 && isGlob) {
      walk.diagnostics.push(
        diagnose(from, { severity: 'warning', code: 'empty_include', message: `no file matches "${pattern}"` }),
      )
    }
    for (const path of paths) {
      const at = from ?? wholeFile(file.source)
      const refused = await refusal(walk, { path, chain })
      if (refused !== undefined) walk.diagnostics.push(diagnose(at, refused))
      else await visit(walk, { path, chain, from })
    }
  }
}

interface Pattern {
  readonly pattern: string
  /** Undefined for the default. */
  readonly from: Place | undefined
}

function patternsOf({ kind, root }: SetFile): Pattern[] {
  const include = child(root, 'include')
  if (include === undefined)
    return kind === 'base' ? DEFAULT_INCLUDE.map((pattern) => ({ pattern, from: undefined })) : []
  return itemsOf(include).flatMap((item) => {
    const pattern = textOf(item)
    return pattern === undefined ? [] : [{ pattern, from: item.at }]
  })
}

async function expand(walk: Walk, folder: string, pattern: string): Promise<{ paths: string[]; isGlob: boolean }> {
  const search = await searchOf(folder, pattern)
  if (!search) return { paths: [resolve(folder, pattern)], isGlob: false }
  // Before the search: what appears from here on is news.
  for (const [path, fingerprint] of await fingerprintsOf([search.folder])) walk.sources.set(path, fingerprint)
  return { paths: (await search.find()).sort(), isGlob: true }
}

async function refusal(walk: Walk, { path, chain }: Omit<Visit, 'from'>) {
  if (chain.includes(path)) {
    const names = [...chain.slice(chain.indexOf(path)), path].map((file) => basename(file))
    return { code: 'include_cycle', message: `files include each other: ${names.join(' → ')}` }
  }
  if (chain.length > MAX_DEPTH) return { code: 'include_depth', message: `includes nest deeper than ${MAX_DEPTH}` }
  const real = await realFolder(path)
  if (real === walk.boundary || real.startsWith(walk.boundary + (walk.boundary.endsWith(sep) ? '' : sep)))
    return undefined
  const hint = 'name it with -f instead'
  return { code: 'include_outside', message: `${path} is outside of the folder ${walk.boundary}`, hint }
}

async function realFolder(path: string): Promise<string> {
  // A path that does not exist is reported when it is read.
  return realpath(path).catch(() => resolve(path))
}
