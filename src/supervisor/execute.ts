import type { Action, Listen, Plan } from '../plan/model.ts'
import type { RunningGroup } from './running-group.ts'

/** Does what a plan says, all groups at once, and decides nothing. Resolves when every step is done or has failed. */
export async function execute(plan: Plan, groupOf: (action: Action) => RunningGroup): Promise<void> {
  // Each step has begun when this function returns its promise: an observer sees the plan under way, never between.
  const taken = new Set(
    plan.actions.flatMap((action) => (action.do === 'stop' ? [] : [addressOf(action.desired.listen)])),
  )
  await Promise.all(plan.actions.map((action) => carryOut(action, { group: groupOf(action), taken })))
}

interface Doing {
  readonly group: RunningGroup
  /** Where groups listen that begin or change. */
  readonly taken: ReadonlySet<string>
}

function carryOut(action: Action, { group, taken }: Doing): Promise<void> {
  switch (action.do) {
    case 'start':
      return group.start(action.desired)
    case 'stop':
      return action.cause.why === 'removed' ? group.leave() : group.stop()
    case 'restart':
      return group.restart(action.desired)
    case 'reload':
      return group.reload(action.desired)
    case 'move':
      return group.move(action.desired, taken.has(addressOf(action.from)))
    default:
      return action satisfies never
  }
}

function addressOf({ host, port }: Listen): string {
  return `${host} ${port}`
}
