import { basename } from 'node:path'
import { type Diagnostic, place } from '../shared/diagnostic.ts'
import { McpctlError } from '../shared/errors.ts'
import type { Env } from '../shared/paths.ts'
import { checkGroups } from './check.ts'
import type { CheckedGroup } from './checked-group.ts'
import { readEnvironment } from './environment.ts'
import { freeze } from './freeze.ts'
import { toGroup } from './group.ts'
import { type Lookup, secretsIn } from './interpolate.ts'
import { type ProfileSet, unique } from './load.ts'
import { LOCK_FILE } from './lock-data.ts'
import { maskOf, maskProfile, unnamedSecrets } from './mask.ts'
import type { Group, Pins, Profile } from './profile.ts'
import type { Sources } from './read.ts'
import { readSecrets, type Secrets } from './secrets.ts'
import { type SelectedGroup, type SelectedServer, type Selection, scalarsOf } from './select.ts'
import { SERVER_DEFAULTS, toServer } from './server.ts'
import { diagnose, type Place } from './source.ts'
import { didYouMean } from './suggest.ts'
import { child, type MapNode, without } from './tree.ts'
import { Trust } from './trust.ts'
import { field, type Reading, readBoolean } from './values.ts'

export interface ResolveOptions {
  readonly env: Env
  /** `--env-file`, in order, relative to `cwd` of the caller and already absolute here. */
  readonly envFiles: readonly string[]
  /** Added to every fixed port. */
  readonly portOffset: number
  /** A profile may have no groups: a mistake unless somebody says that it is none. */
  readonly allowEmpty?: boolean
}

export interface Resolution {
  readonly profile: Profile
  readonly warnings: readonly Diagnostic[]
  /** Every file the result depends on, also those that do not exist yet (optional env files). */
  readonly sources: Sources
  /** Where each value came from: JSON pointer into the resolved profile → `file:line`. */
  readonly origins: ReadonlyMap<string, string>
}

/**
 * Extends → select → interpolate → cast → check → defaults → frozen profile. Throws McpctlError `config_invalid`
 * with every problem in `diagnostics`, those of the set as written included.
 */
export async function resolveProfile(set: ProfileSet, name: string, options: ResolveOptions): Promise<Resolution> {
  return settled(set, await attempt(set, name, { ...options, masked: false }))
}

/** The same profile for people to see: `‹secret:NAME›` in place of values, and no secret is read for it. */
export async function resolveMasked(set: ProfileSet, name: string, options: ResolveOptions): Promise<Resolution> {
  return settled(set, await attempt(set, name, { ...options, masked: true }))
}

/** A resolution whose errors are not thrown. */
export interface Attempt extends Resolution {
  /** Of the set as written and of this profile: errors and warnings. */
  readonly diagnostics: readonly Diagnostic[]
}

export interface AttemptOptions extends ResolveOptions {
  /** Do not read secrets: show their names. */
  readonly masked: boolean
}

function settled(set: ProfileSet, { diagnostics, ...resolution }: Attempt): Resolution {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return resolution
  const { name } = resolution.profile
  const message = `profile "${name}" of ${set.project} has ${errors.length} ${errors.length === 1 ? 'problem' : 'problems'}`
  throw new McpctlError('config_invalid', message, { diagnostics })
}

/** Resolves as far as it goes and reports everything. Throws McpctlError `config_invalid` if there is no such profile. */
export async function attempt(set: ProfileSet, name: string, options: AttemptOptions): Promise<Attempt> {
  const selection = set.selections.get(name)
  if (selection === undefined) throw unknownProfile(set, name)
  const environment = await readEnvironment({
    ...options,
    envFile: selection.envFile,
    folder: set.folder,
    cwd: set.cwd,
  })
  const vault: Vault = { values: new Map(), asked: new Map(), masked: options.masked }
  const reading = readingOf(environment.variable, vault)
  const enabled = enabledServers(reading, selection)
  const isTrusted = ![...set.diagnostics, ...environment.diagnostics].some(isRefusal)
  const secrets = await secretsOf({ set, selection, enabled, options, isTrusted, variable: environment.variable })
  for (const [secret, value] of secrets.values) vault.values.set(secret, value)
  const checked = selection.groups.map((group, index) => assemble({ reading, group, index, enabled, set, options }))
  const groups = checked.map(({ group }) => group)
  const found = [...environment.diagnostics, ...secrets.diagnostics, ...reading.diagnostics, ...checkGroups(checked)]
  const diagnostics = unique([
    ...set.diagnostics,
    ...found.filter((one) => isNews(set, one)),
    ...(options.allowEmpty ? [] : emptiness(set, name)),
  ])
  return {
    profile: freeze(profileOf({ set, name, groups, vault, kept: reading.kept })),
    diagnostics,
    warnings: diagnostics.filter(({ severity }) => severity === 'warning'),
    sources: new Map([...set.sources, ...environment.sources, ...secrets.sources]),
    origins: reading.origins,
  }
}

/** The secrets of one resolution. */
interface Vault {
  readonly values: Map<string, string>
  /** Those that were used. */
  readonly asked: Map<string, string>
  readonly masked: boolean
}

function readingOf(variable: Lookup['variable'], vault: Vault): Reading {
  const secret = (name: string) => {
    if (vault.masked) return maskOf(name)
    const value = vault.values.get(name)
    if (value !== undefined) vault.asked.set(name, value)
    return value
  }
  return { lookup: { variable, secret }, diagnostics: [], origins: new Map(), kept: new Set(), asWritten: false }
}

/** Asked before all else: what a disabled server wants is not asked for. */
function enabledServers(reading: Reading, { groups }: Selection): ReadonlySet<SelectedServer> {
  const enabled = groups.flatMap((group, g) =>
    group.servers.filter((server, s) => {
      const at = { node: server.node, pointer: `/groups/${g}/servers/${s}` }
      return readBoolean(reading, field(at, 'enabled')) ?? SERVER_DEFAULTS.enabled
    }),
  )
  return new Set(enabled)
}

interface SecretsNeeded {
  readonly set: ProfileSet
  readonly selection: Selection
  readonly enabled: ReadonlySet<SelectedServer>
  readonly options: AttemptOptions
  readonly isTrusted: boolean
  readonly variable: Lookup['variable']
}

/** Secrets may be asked of a program: one that others have written down is not run, whatever else is read. */
async function secretsOf({ set, selection, enabled, options, isTrusted, variable }: SecretsNeeded): Promise<Secrets> {
  const nodes = selection.groups.flatMap(({ node, servers }) => [
    without(node, ['servers']),
    ...servers.filter((server) => enabled.has(server)).map((server) => server.node),
  ])
  const used = options.masked || !isTrusted ? [] : nodes.flatMap(scalarsOf).flatMap(({ text }) => secretsIn(text))
  return readSecrets({
    secrets: selection.secrets,
    used: new Set(used),
    variable,
    env: options.env,
    folder: set.folder,
    trust: new Trust(options.env, set.folder),
  })
}

interface Assembly {
  readonly reading: Reading
  readonly group: SelectedGroup
  readonly index: number
  readonly enabled: ReadonlySet<SelectedServer>
  readonly set: ProfileSet
  readonly options: AttemptOptions
}

function assemble({ reading, group, index, enabled, set, options }: Assembly): CheckedGroup {
  const pointer = `/groups/${index}`
  const servers = group.servers.map((server, s) =>
    toServer(reading, server, {
      pointer: `${pointer}/servers/${s}`,
      folder: set.folder,
      enabled: enabled.has(server),
      pins: pinsOf(set, server.name),
    }),
  )
  return { group: toGroup(reading, group, { pointer, servers, portOffset: options.portOffset }), selected: group }
}

/** What is compared, without what is only for people: another version of the same tools is no change. */
function pinsOf({ lock }: ProfileSet, name: string): Pins | null {
  const locked = lock && Object.hasOwn(lock.servers, name) ? lock.servers[name] : undefined
  if (!locked) return null
  const { serverInfo: _info, ...pins } = locked
  return pins
}

interface Assembled {
  readonly set: ProfileSet
  readonly name: string
  readonly groups: readonly Group[]
  readonly vault: Vault
  /** Secrets of which only digests are in the groups. */
  readonly kept: ReadonlySet<string>
}

function profileOf({ set, name, groups, vault, kept }: Assembled): Profile {
  const { project, folder } = set
  const description = set.profiles.find((profile) => profile.name === name)?.description ?? ''
  const secrets = [...new Set([...vault.asked.values(), ...kept, ...unnamedSecrets(groups)])]
  const profile = { project, folder, name, description, groups, secrets }
  return vault.masked ? maskProfile(profile) : profile
}

/** The keys whose misspelling explains that they are missing. */
const EXPLAINED_BY: Readonly<Record<string, readonly string[]>> = {
  no_transport: ['command', 'url'],
  no_servers: ['servers'],
  no_tokens: ['tokens'],
}

/** What the check of the files as written said is not said again in other words. */
function isNews({ diagnostics }: ProfileSet, found: Diagnostic): boolean {
  const said = diagnostics.filter(({ severity }) => severity === 'error')
  if (said.some((one) => place(one) === place(found))) return false
  if (found.code === 'not_locked' && said.some(({ file }) => basename(file) === LOCK_FILE)) return false
  const keys = EXPLAINED_BY[found.code] ?? []
  return !said.some(({ code, hint }) => code === 'unknown_key' && keys.some((key) => hint.includes(`"${key}"`)))
}

function emptiness(set: ProfileSet, name: string): Diagnostic[] {
  const profile = set.profiles.find((one) => one.name === name)
  const tree = set.trees.get(name)
  if (tree === undefined || profile === undefined || profile.groups.length > 0) return []
  // It may have some once the rest is repaired.
  if (set.diagnostics.some(({ severity }) => severity === 'error')) return []
  const hint = 'list some under groups:, or extend a profile that has some'
  return [diagnose(profileAt(tree), { code: 'no_groups', message: `profile "${name}" has no groups`, hint })]
}

function isRefusal({ code, severity }: Diagnostic): boolean {
  return code === 'insecure_file' && severity === 'error'
}

function profileAt(tree: MapNode): Place {
  return child(tree, 'groups')?.at ?? { ...tree.at, end: tree.at.start }
}

function unknownProfile(set: ProfileSet, name: string): McpctlError {
  const names = set.profiles.map((profile) => profile.name)
  const hint = didYouMean(name, names)
  return new McpctlError('config_invalid', `there is no profile "${name}"`, { hint, diagnostics: set.diagnostics })
}
