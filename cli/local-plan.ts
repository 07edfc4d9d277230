import type { Applied, Wish } from '../src/control/protocol.ts'
import { desiredGroups } from '../src/plan/desired.ts'
import { diff } from '../src/plan/diff.ts'
import { printPlan } from '../src/plan/format.ts'
import { Hashes } from '../src/plan/hashes.ts'
import { prepare } from '../src/supervisor/prepare.ts'

export interface PlanOptions {
  readonly wish: Wish
  /** What `mcpctl use` wrote down. */
  readonly remembered: string | undefined
}

/** What a first `up` would do: the same difference the supervisor would take, from nothing. */
export async function planFromNothing({ wish, remembered }: PlanOptions): Promise<Applied> {
  const { profile, warnings } = await prepare(wish, { remembered: () => remembered })
  const desired = desiredGroups({
    profile,
    wishes: { stopped: new Set(), only: new Set(wish.groups), generations: new Map() },
    // With nothing running there is nothing to compare with: neither ports nor hashes decide anything.
    ports: new Map(profile.groups.map(({ name }) => [name, 0])),
    hashes: new Hashes((text) => text),
  })
  const plan = printPlan(diff({ desired, observed: [], now: 0 }))
  return { profile: profile.name, generation: 0, plan, warnings }
}
