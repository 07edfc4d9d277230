import type { Wishes } from '../plan/desired.ts'
import { McpctlError } from '../shared/errors.ts'
import type { Proposal } from './proposals.ts'
import type { InForce } from './proxies.ts'

/** What `start`, `stop` and `restart` make of the wishes there are. */
export type Change = (wishes: Wishes, groups: readonly string[]) => Wishes

/** A wish about groups of what is in force, all of them if none is named. Throws McpctlError `usage` for an unknown one. */
export function askFor(groups: readonly string[], change: Change, { wish, resolution }: InForce): Proposal {
  const names = resolution.profile.groups.map(({ name }) => name)
  const unknown = groups.find((name) => !names.includes(name))
  if (unknown !== undefined) throw noGroup(unknown, names)
  const meant = groups.length === 0 ? names : groups
  return { wish, resolution, wishes: (now) => change(now, meant), isStrict: false, problems: [] }
}

function noGroup(name: string, names: readonly string[]): McpctlError {
  return new McpctlError('usage', `there is no group "${name}"`, { hint: `the groups are ${names.join(', ')}` })
}
