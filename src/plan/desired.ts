import type { Group, Profile } from '../config/profile.ts'
import type { Hashes } from './hashes.ts'
import type { DesiredGroup } from './model.ts'

/** What people asked of groups beside the profile. */
export interface Wishes {
  /** `mcpctl stop GROUP`. */
  readonly stopped: ReadonlySet<string>
  /** `up GROUP…`: only these run; empty means all. */
  readonly only: ReadonlySet<string>
  /** Raised by each `restart`; a group not named here is at 0. */
  readonly generations: ReadonlyMap<string, number>
}

export interface DesiredOptions {
  readonly profile: Profile
  readonly wishes: Wishes
  /** The port of every group, chosen by now where the profile says `auto`. */
  readonly ports: ReadonlyMap<string, number>
  readonly hashes: Hashes
}

/** The profile and the wishes as what should run, in the profile's order. */
export function desiredGroups(options: DesiredOptions): readonly DesiredGroup[] {
  return options.profile.groups.map((group) => desiredGroup(group, options))
}

/** Whether the wishes let a group run. */
function isWanted(name: string, { stopped, only }: Wishes): boolean {
  return !stopped.has(name) && (only.size === 0 || only.has(name))
}

function desiredGroup(group: Group, { wishes, ports, hashes }: DesiredOptions): DesiredGroup {
  return {
    name: group.name,
    running: isWanted(group.name, wishes),
    listen: { host: group.host, port: portOf(group, ports) },
    group,
    hash: hashes.group(group),
    servers: Object.fromEntries(group.servers.map((server) => [server.name, hashes.server(server)])),
    generation: wishes.generations.get(group.name) ?? 0,
  }
}

function portOf(group: Group, ports: ReadonlyMap<string, number>): number {
  const port = group.port === 'auto' ? ports.get(group.name) : group.port
  if (port === undefined) throw new Error(`no port was chosen for group ${group.name}`)
  return port
}
