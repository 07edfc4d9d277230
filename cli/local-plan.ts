import { didYouMean } from '../src/config/suggest.ts'
import type { Applied, Wish } from '../src/control/protocol.ts'
import { desiredGroups } from '../src/plan/desired.ts'
import { diff } from '../src/plan/diff.ts'
import { printPlan } from '../src/plan/format.ts'
import { McpctlError } from '../src/shared/errors.ts'
import type { Context } from './context.ts'
import { choose, loadSet, resolveNamed } from './profile-set.ts'

/** What a first `up` would do: the same difference the supervisor would take, from nothing. */
export async function planFromNothing(context: Context, { profile: argument, groups }: Wish): Promise<Applied> {
  const set = await loadSet(context)
  const { name } = await choose(context, set, argument)
  const { profile, warnings } = await resolveNamed(context, set, name)
  const names = profile.groups.map((group) => group.name)
  for (const group of groups) mustBeOneOf(names, group)
  const desired = desiredGroups({
    profile,
    wishes: { stopped: new Set(), only: new Set(groups), generations: new Map() },
    // With nothing running there is nothing to compare with: neither ports nor hashes decide anything.
    ports: new Map(names.map((group) => [group, 0])),
    digest: (text) => text,
  })
  const plan = printPlan(diff({ desired, observed: [], now: 0 }))
  return { profile: name, generation: 0, plan, warnings }
}

function mustBeOneOf(names: readonly string[], group: string): void {
  if (names.includes(group)) return
  throw new McpctlError('usage', `unknown group "${group}"`, { hint: didYouMean(group, names) })
}
