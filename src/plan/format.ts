import type { Action, Plan, ServerChange } from './model.ts'

/** What the text needs of a plan: a whole one has it, and so has one that came over the wire. */
export interface PlanLike {
  readonly actions: readonly {
    readonly do: Action['do']
    readonly group: string
    readonly cause: { readonly detail: string }
  }[]
  readonly unchanged: readonly string[]
}

/** The plan as lines for people, one per group: `~ local-fast reload: server memory changed`. */
export function formatPlan(plan: PlanLike): readonly string[] {
  const steps = plan.actions.map((action) => `${signs[action.do]} ${action.group} ${action.do}: ${action.cause.detail}`)
  return [...steps, ...plan.unchanged.map((group) => `= ${group} unchanged`)]
}

const signs = { start: '+', stop: '-', restart: '~', reload: '~', move: '~' } as const satisfies Record<
  Action['do'],
  string
>

/** The plan without the configuration inside it, which holds secrets: what may leave the supervisor. */
export function printPlan({ actions, unchanged }: Plan) {
  return { actions: actions.map(printAction), unchanged }
}

function printAction(action: Action) {
  return { do: action.do, group: action.group, cause: action.cause, servers: serversOf(action) }
}

function serversOf(action: Action): readonly ServerChange[] {
  return 'servers' in action ? action.servers : []
}
