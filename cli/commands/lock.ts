import { randomUUID } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProfileSet } from '../../src/config/load.ts'
import { LOCK_FILE, type Lock, lockText } from '../../src/config/lock-data.ts'
import type { Profile, Server } from '../../src/config/profile.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { McpctlError, messageOf } from '../../src/shared/errors.ts'
import { statePaths } from '../../src/shared/paths.ts'
import { prepareStateFolder } from '../../src/supervisor/state-folder.ts'
import { survey } from '../../src/supervisor/survey.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { readTexts, type Texts, writeTexts } from '../lock/accepted.ts'
import { type Accepted, acceptedIn, partly, renewed } from '../lock/merge.ts'
import { type Asked, reportOf } from '../lock/report.ts'
import { note, print, warn } from '../output.ts'
import { painter } from '../paint.ts'
import { choose, loadSet, resolveOptions } from '../profile-set.ts'
import { wishOf } from '../wish.ts'

/** Asks the servers themselves what they say, and writes that down or compares it with what was written before. */
export const run: Run = async (context, invocation) => {
  const { check = false, accept } = invocation.options
  if (check && accept) throw new McpctlError('usage', '--check takes nothing over: leave out --accept')
  const project = await projectOf(context, wishOf(context, invocation))
  if (check && !project.set.lock) throw missing()
  const accepted = accept?.map((text) => acceptedIn(text, [...project.servers.keys()]))
  const wanted = [...project.servers.values()].filter(
    ({ name }) => accepted?.some(({ server }) => server === name) ?? true,
  )
  prepareStateFolder(project.paths)
  const texts = await readTexts(project.paths.accepted)
  const asked = await ask(context, { ...project, wanted, texts })
  const isWritten = !check && (await write(context, { ...project, asked, accepted, texts }))
  const outcome = { profile: project.profile.name, asked, isWritten, isCheck: check }
  await print(context, reportOf(outcome, painter(context, context.stdout)))
  if (check) assertSame(asked)
  assertAsked(asked)
  return 0
}

interface Project {
  readonly set: ProfileSet
  readonly profile: Profile
  readonly paths: ReturnType<typeof statePaths>
  readonly lock: Lock
  /** Each enabled one of the chosen groups once, however many groups have it. */
  readonly servers: ReadonlyMap<string, Server>
}

async function projectOf(context: Context, { profile: argument, groups }: ReturnType<typeof wishOf>): Promise<Project> {
  const set = await loadSet(context)
  const { name } = await choose(context, set, argument)
  const { profile, warnings } = await resolveProfile(set, name, resolveOptions(context))
  warn(context, warnings)
  const paths = statePaths(set.folder, context.env)
  return { set, profile, paths, lock: set.lock ?? { servers: {} }, servers: serversOf(profile, groups) }
}

function serversOf({ name: profile, groups }: Profile, names: readonly string[]): ReadonlyMap<string, Server> {
  const unknown = names.find((name) => !groups.some((group) => group.name === name))
  if (unknown !== undefined) {
    const hint = `its groups are ${groups.map(({ name }) => name).join(', ')}`
    throw new McpctlError('usage', `there is no group "${unknown}" in profile "${profile}"`, { hint })
  }
  const chosen = names.length === 0 ? groups : groups.filter(({ name }) => names.includes(name))
  const servers = new Map<string, Server>()
  for (const server of chosen.flatMap((group) => group.servers))
    if (server.enabled && !servers.has(server.name)) servers.set(server.name, server)
  return servers
}

interface Asking extends Project {
  readonly wanted: readonly Server[]
  readonly texts: Texts
}

async function ask(context: Context, { wanted, texts, lock, paths }: Asking): Promise<readonly Asked[]> {
  const over = new AbortController()
  using _listening = context.onSignal((signal) =>
    over.abort(new McpctlError(signal === 'SIGINT' ? 'interrupted' : 'terminated', 'interrupted')),
  )
  note(context, `asking ${wanted.length} server${wanted.length === 1 ? '' : 's'}`)
  const question = { servers: wanted, locked: lock.servers, texts, owner: paths.folder }
  const found = await survey({ ...question, env: context.env, signal: over.signal })
  const byName = new Map(found.map((one) => [one.name, one]))
  return wanted.flatMap((server) => {
    const answer = byName.get(server.name)
    return answer ? [{ server, survey: answer, isNew: !Object.hasOwn(lock.servers, server.name) }] : []
  })
}

interface Writing extends Project {
  readonly asked: readonly Asked[]
  readonly accepted: readonly Accepted[] | undefined
  readonly texts: Texts
}

/** Whether there was anything to write. */
async function write(
  context: Context,
  { set, profile, lock, paths, asked, accepted, texts }: Writing,
): Promise<boolean> {
  const known = asked.flatMap(({ survey }) => (survey.state === 'known' ? [survey] : []))
  const entries = new Map(known.map(({ name, entry }) => [name, entry]))
  const next = accepted ? partly(lock, entries, accepted) : renewed(lock, entries, isInAnyProfile(set))
  const isNews = !set.lock || lockText(next) !== lockText(lock)
  if (isNews) await replace(join(set.folder, LOCK_FILE), next)
  const all = Object.assign({}, texts, ...known.map((one) => one.texts))
  await writeTexts(paths.accepted, { texts: all, lock: next, secrets: profile.secrets }).catch((error: unknown) =>
    note(context, `later changes cannot be shown in full: ${messageOf(error)}`),
  )
  return isNews
}

function isInAnyProfile({ selections }: ProfileSet): (server: string) => boolean {
  const groups = [...selections.values()].flatMap((selection) => selection.groups)
  const names = new Set(groups.flatMap(({ servers }) => servers.map(({ name }) => name)))
  return (server) => names.has(server)
}

/** Whole or not at all: a running supervisor reads it as soon as it is there. */
async function replace(file: string, lock: Lock): Promise<void> {
  const draft = `${file}.${randomUUID()}.draft`
  await writeFile(draft, lockText(lock))
  await rename(draft, file)
}

function missing(): McpctlError {
  return new McpctlError('config_invalid', `there is no ${LOCK_FILE} to compare with`, {
    hint: 'mcpctl lock writes it',
  })
}

function assertSame(asked: readonly Asked[]): void {
  const known = asked.flatMap(({ survey, isNew }) => (survey.state === 'known' ? [{ ...survey, isNew }] : []))
  const other = known.filter(({ drifts, isNew }) => isNew || drifts.length > 0).map(({ name }) => name)
  if (other.length === 0) return
  const message = `not as ${LOCK_FILE} says: ${other.join(', ')}`
  throw new McpctlError('threshold', message, { hint: 'mcpctl lock takes all of it over, --accept SERVER/TOOL a part' })
}

/** A server that could not be asked is neither the same nor another. */
function assertAsked(asked: readonly Asked[]): void {
  const silent = asked.filter(({ survey }) => survey.state !== 'known')
  if (silent.length === 0) return
  const isForAuth = silent.every(({ survey }) => survey.state === 'authRequired')
  const isExclusive = silent.some(({ server }) => server.exclusive)
  const hint = isExclusive
    ? 'a server that cannot run twice has to be stopped first: mcpctl stop GROUP'
    : 'what is locked of them stays as it was'
  const message = `could not ask ${silent.map(({ server }) => server.name).join(', ')}`
  throw new McpctlError(isForAuth ? 'auth_required' : 'unreachable', message, { hint })
}
