import { basename } from 'node:path'
import { type Diagnostic, place } from '../shared/diagnostic.ts'
import { McpctlError } from '../shared/errors.ts'
import { checkClaims, defaultOf, matchesOf } from './claims.ts'
import { extend, type WrittenProfile } from './extend.ts'
import { readFiles, restoreFiles, type SetFile, type SetFiles, type WrittenFile } from './files.ts'
import { fingerprintsOf } from './fingerprint.ts'
import { lint } from './lint.ts'
import { locate, namedPaths, type Pointer } from './locate.ts'
import { readLock } from './lock.ts'
import type { Lock } from './lock-data.ts'
import { profileName } from './mcp-servers.ts'
import { merge, mergeAll } from './merge.ts'
import { Parses } from './parses.ts'
import type { Sources } from './read.ts'
import { type Selection, select } from './select.ts'
import { diagnose, type Place, position, quote, sourceOf, wholeFile } from './source.ts'
import { child, entriesOf, type MapNode, only, textOf } from './tree.ts'

/** All profiles of a project as written: read, parsed, checked against the schemas, includes followed. */
export interface ProfileSet {
  /** The project folder, absolute. */
  readonly folder: string
  /** `name:`, else the folder's name. */
  readonly project: string
  readonly profiles: readonly ProfileSummary[]
  /** Every problem of the files as written; an `error` among them means nothing can be resolved. */
  readonly diagnostics: readonly Diagnostic[]
  /** As written, included files before the ones that include them. */
  readonly files: readonly WrittenFile[]
  /** Every file that was looked at and every folder a new one could appear in: what to watch. */
  readonly sources: Sources
  /** By profile name, over the base and all it extends: for `resolve` only. */
  readonly trees: ReadonlyMap<string, MapNode>
  /** What each of them uses: for `resolve` only. */
  readonly selections: ReadonlyMap<string, Selection>
  /** `mcpctl.lock`; undefined when there is none, or when it is broken. */
  readonly lock: Lock | undefined
  /** For the names of files in diagnostics. */
  readonly cwd: string
}

export interface ProfileSummary {
  readonly name: string
  readonly description: string
  /** Values of $ENV, $NODE_ENV, $APP_ENV that mean this profile, lower case. */
  readonly match: readonly string[]
  readonly default: boolean
  /** After `extends`. */
  readonly groups: readonly string[]
  readonly file: string
  readonly line: number
}

/**
 * Reads the whole profile set; files that `parses` knows are not parsed again. Throws McpctlError `config_invalid` only
 * when there is none to read.
 */
export async function loadProfileSet(pointer: Pointer, parses = new Parses()): Promise<ProfileSet> {
  const location = await locate(pointer)
  if (location.roots.flat().length === 0) throw nothingFound(pointer, location.folders)
  const folders = await fingerprintsOf(location.folders)
  const read = await readFiles({
    roots: location.roots,
    folder: location.folder,
    cwd: pointer.cwd,
    env: pointer.env,
    parses,
  })
  const locked = await readLock(location.folder, pointer)
  const sources = new Map([...read.sources, ...folders, ...locked.sources])
  return assemble({ ...read, sources, folder: location.folder, lock: locked, pointer })
}

/** A profile set as it was written, wherever its files are by now. */
export interface WrittenSet {
  readonly folder: string
  readonly files: readonly WrittenFile[]
  /** What was watched for changes of it. */
  readonly watched: readonly string[]
}

/** What it takes to have this profile set again. */
export function writtenSet({ folder, files, sources }: ProfileSet): WrittenSet {
  return { folder, files, watched: [...sources.keys()] }
}

/**
 * The profile set of an earlier time. Its `sources` are those of today, so that the next change of them is noticed; so is
 * what servers are pinned to: going back must not bring back what was trusted then.
 */
export async function restoreProfileSet(written: WrittenSet, pointer: Pointer, parses = new Parses()) {
  const { folder, files, watched } = written
  return assemble({
    ...restoreFiles(files, { cwd: pointer.cwd, parses }),
    sources: await fingerprintsOf(watched),
    folder,
    lock: await readLock(folder, pointer),
    pointer,
  })
}

interface Assembly extends SetFiles {
  readonly folder: string
  readonly lock: Awaited<ReturnType<typeof readLock>>
  readonly pointer: Pointer
}

function assemble({ folder, lock: locked, pointer, ...read }: Assembly): ProfileSet {
  const { profiles, diagnostics } = profilesOf(read.files)
  const base = baseOf(read.files)
  const extended = new Map([...profiles].map(([name, profile]) => [name, extend(profile, profiles)]))
  const trees = new Map([...extended].map(([name, { tree }]) => [name, base === undefined ? tree : merge(base, tree)]))
  const selected = new Map([...trees].map(([name, tree]) => [name, select(tree)]))
  const problems = [
    ...read.diagnostics,
    ...locked.diagnostics,
    ...diagnostics,
    ...checkClaims([...profiles.values()]),
    ...[...extended.values()].flatMap((profile) => profile.diagnostics),
    ...[...selected.values()].flatMap((one) => one.diagnostics),
    ...read.files.flatMap(({ root }) => lint(root)),
  ]
  return {
    folder,
    project: projectName(read.files) ?? (basename(folder) || 'root'),
    profiles: [...profiles.values()].map((profile) => summarize(profile, extended.get(profile.name)?.tree)),
    diagnostics: problems.length === 0 && profiles.size === 0 ? [noProfiles(read.files, pointer)] : unique(problems),
    files: read.files.map(({ source: { path, text }, rank }) => ({ path, text, rank })),
    sources: read.sources,
    lock: locked.lock,
    trees,
    selections: new Map([...selected].map(([name, { selection }]) => [name, selection])),
    cwd: pointer.cwd,
  }
}

function nothingFound(pointer: Pointer, folders: readonly string[]): McpctlError {
  const named = namedPaths(pointer)
  const hint = 'write mcpctl.yaml or profiles/NAME.yaml, or point to them with -f'
  if (named.length > 0) return new McpctlError('config_invalid', `no profile set in ${named.join(', ')}`, { hint })
  const where = folders.length > 1 ? `${folders[0]} or above, up to ${folders.at(-1)}` : (folders[0] ?? pointer)
  return new McpctlError('config_invalid', `no profile set in ${where}`, { hint })
}

/** What the profiles share: base files, an included one under the one that includes it, a later root on top. */
function baseOf(files: readonly SetFile[]): MapNode | undefined {
  const [first, ...rest] = files.filter(({ kind }) => kind === 'base')
  if (first === undefined) return undefined
  const merged = mergeAll(first.root, ...rest.map(({ root }) => root))
  return only(merged, ['defaults', 'servers', 'secrets'], first.root.at)
}

function projectName(files: readonly SetFile[]): string | undefined {
  const named = files.filter(({ root }) => child(root, 'name') !== undefined)
  const owner = named.findLast(({ kind }) => kind === 'base') ?? named.at(-1)
  return textOf(owner && child(owner.root, 'name'))
}

interface Found extends WrittenProfile {
  readonly rank: number
}

interface Profiles {
  readonly profiles: ReadonlyMap<string, WrittenProfile>
  readonly diagnostics: readonly Diagnostic[]
}

/** Profiles by name: two of one place a person named are a mistake, of two places the later goes on top. */
function profilesOf(files: readonly SetFile[]): Profiles {
  const profiles = new Map<string, Found>()
  const diagnostics: Diagnostic[] = []
  for (const found of files.flatMap(profilesIn)) {
    const before = profiles.get(found.name)
    if (before !== undefined && before.rank === found.rank) diagnostics.push(duplicate(found, before))
    profiles.set(found.name, before === undefined ? found : { ...found, tree: merge(before.tree, found.tree) })
  }
  return { profiles, diagnostics }
}

function profilesIn({ source, kind, root, rank }: SetFile): Found[] {
  if (kind === 'profile') {
    const named = child(root, 'profile')
    const at: Place = named?.at ?? wholeFile(source)
    return [{ name: textOf(named) ?? profileName(source.path), at, tree: root, rank }]
  }
  return entriesOf(child(root, 'profiles')).flatMap(([name, { key, value }]) =>
    value.kind === 'map' ? [{ name, at: key, tree: value, rank }] : [],
  )
}

function duplicate(found: Found, before: Found): Diagnostic {
  const { line } = position(before.at.source, before.at.start)
  const message = `the profile ${quote(found.name)} is also in ${before.at.source.shown}:${line}`
  return diagnose(found.at, { code: 'duplicate_profile', message })
}

function summarize(profile: WrittenProfile, tree: MapNode | undefined): ProfileSummary {
  return {
    name: profile.name,
    description: textOf(child(profile.tree, 'description')) ?? '',
    match: matchesOf(profile).map(({ value }) => value),
    default: defaultOf(profile) !== undefined,
    groups: entriesOf(child(tree, 'groups')).flatMap(([name, { value }]) => (value.kind === 'map' ? [name] : [])),
    file: profile.at.source.shown,
    line: position(profile.at.source, profile.at.start).line,
  }
}

function noProfiles(files: readonly SetFile[], { cwd }: Pointer): Diagnostic {
  const source = files[0]?.source ?? sourceOf(cwd, '', cwd)
  const hint = 'add a file profiles/NAME.yaml with `groups:`, or a map `profiles:`'
  return diagnose(wholeFile(source), { code: 'no_profiles', message: 'the profile set has no profile', hint })
}

/** Nobody reads more, and a hostile file could have a hundred thousand. */
const MAX_DIAGNOSTICS = 500

/** What several profiles inherit is said once; errors come first, then by place. */
export function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const byPlace = new Map(diagnostics.map((diagnostic) => [`${place(diagnostic)} ${diagnostic.message}`, diagnostic]))
  const rank = ({ severity }: Diagnostic) => (severity === 'error' ? 0 : 1)
  const sorted = [...byPlace.values()].sort(
    (a, b) => rank(a) - rank(b) || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  )
  return sorted.slice(0, MAX_DIAGNOSTICS)
}
