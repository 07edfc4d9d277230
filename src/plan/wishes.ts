import type { Wishes } from './desired.ts'

/** Everything runs. */
export const noWishes: Wishes = { stopped: new Set(), only: new Set(), generations: new Map() }

/** `up` brings the groups it names to life, or all, whatever was stopped before. */
export function up(wishes: Wishes, groups: readonly string[]): Wishes {
  return { ...wishes, stopped: new Set(), only: new Set(groups) }
}

export function start(wishes: Wishes, groups: readonly string[]): Wishes {
  const only = wishes.only.size === 0 ? wishes.only : new Set([...wishes.only, ...groups])
  return { ...wishes, only, stopped: new Set([...wishes.stopped].filter((name) => !groups.includes(name))) }
}

export function stop(wishes: Wishes, groups: readonly string[]): Wishes {
  return { ...wishes, stopped: new Set([...wishes.stopped, ...groups]) }
}

/** Asking for a restart raises the generation: a wish is a difference like any other. */
export function restart(wishes: Wishes, groups: readonly string[]): Wishes {
  const raised = groups.map((name) => [name, (wishes.generations.get(name) ?? 0) + 1] as const)
  return { ...wishes, generations: new Map([...wishes.generations, ...raised]) }
}
