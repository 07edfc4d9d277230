import type { ProfileSet } from '../../src/config/load.ts'
import type { Lock } from '../../src/config/lock-data.ts'
import type { Profile, Server } from '../../src/config/profile.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import type { Wish } from '../../src/control/protocol.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { statePaths } from '../../src/shared/paths.ts'
import type { Context } from '../context.ts'
import { warn } from '../output.ts'
import { choose, loadSet, resolveOptions } from '../profile-set.ts'

/** What is locked of a project, and which of its servers are meant. */
export interface Project {
  readonly set: ProfileSet
  readonly profile: Profile
  readonly paths: ReturnType<typeof statePaths>
  readonly lock: Lock
  /** Each enabled one of the chosen groups once, however many groups have it. */
  readonly servers: ReadonlyMap<string, Server>
}

/** Throws McpctlError `usage` for an unknown group, and what resolving the profile throws. */
export async function projectOf(
  context: Context,
  { profile: argument, groups }: Pick<Wish, 'profile' | 'groups'>,
): Promise<Project> {
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
