import { isDeepStrictEqual } from 'node:util'
import type { Group, Profile } from './profile.ts'

/**
 * The profile, with the very groups and servers of an earlier one in place of equal ones: what did not change is the
 * same object, so nobody who compares has to look into it again.
 */
export function keepSame(profile: Profile, before: Profile | undefined): Profile {
  if (!before) return profile
  const known = new Map(before.groups.map((group) => [group.name, group]))
  return Object.freeze({ ...profile, groups: profile.groups.map((group) => sameGroup(group, known.get(group.name))) })
}

function sameGroup(group: Group, before: Group | undefined): Group {
  if (!before) return group
  const servers = sameServers(group, before)
  const isSame = servers === before.servers && isDeepStrictEqual({ ...group, servers }, before)
  return isSame ? before : Object.freeze({ ...group, servers })
}

function sameServers(group: Group, before: Group): Group['servers'] {
  const known = new Map(before.servers.map((server) => [server.name, server]))
  const servers = group.servers.map((server) => {
    const earlier = known.get(server.name)
    return earlier && isDeepStrictEqual(server, earlier) ? earlier : server
  })
  const isSame = servers.length === before.servers.length && servers.every((one, at) => one === before.servers[at])
  return isSame ? before.servers : Object.freeze(servers)
}
