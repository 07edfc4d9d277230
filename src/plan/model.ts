import type { Group } from '../config/profile.ts'

/** One group as the profile and the operator's wishes ask for it. Pure data, made by `desired.ts`. */
export interface DesiredGroup {
  readonly name: string
  /** False after `mcpctl stop GROUP`, or when `up` named other groups only. */
  readonly running: boolean
  readonly listen: Listen
  /** The resolved group, as the proxy will be given it. */
  readonly group: Group
  /** Canonical hash of what a living proxy can take over: servers and the group's own settings. */
  readonly hash: string
  /** Canonical hash of each server, by name: what tells an unchanged server from a changed one. */
  readonly servers: Readonly<Record<string, string>>
  /** Asking for a restart raises it: a wish is a difference too. */
  readonly generation: number
}

export interface Listen {
  readonly host: string
  /** Never `auto`: the supervisor has chosen by now. */
  readonly port: number
}

/** One group as it is: what the supervisor knows of its proxy. */
export interface ObservedGroup {
  readonly name: string
  readonly process: ObservedProcess
  /** The address its socket is bound to; undefined while the supervisor holds none. */
  readonly listen: Listen | undefined
  readonly hash: string
  readonly servers: Readonly<Record<string, string>>
  readonly generation: number
}

export type ObservedProcess =
  | { readonly state: 'none' }
  /** `excess`: what it has too much of, so that another one is to take its place. */
  | { readonly state: 'running'; readonly pid: number; readonly excess?: string }
  | { readonly state: 'draining'; readonly pid: number }
  /** Ended unasked, or could not be started. `retryAt` is on the clock that `diff` is given. */
  | { readonly state: 'exited'; readonly reason: string; readonly retryAt: number }

/** Why an action is in the plan. `why` is for programs, `detail` for people. */
export interface Cause {
  readonly why: 'added' | 'removed' | 'changed' | 'exited' | 'asked' | 'memory'
  readonly detail: string
}

export interface ServerChange {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed'
}

/** One step of a plan. The executor does it and decides nothing. */
export type Action =
  | { readonly do: 'start'; readonly group: string; readonly cause: Cause; readonly desired: DesiredGroup }
  | { readonly do: 'stop'; readonly group: string; readonly cause: Cause }
  /** A new process in place of the living one, on the same socket. */
  | { readonly do: 'restart'; readonly group: string; readonly cause: Cause; readonly desired: DesiredGroup }
  /** The same process takes a new configuration. */
  | {
      readonly do: 'reload'
      readonly group: string
      readonly cause: Cause
      readonly desired: DesiredGroup
      readonly servers: readonly ServerChange[]
    }
  /** The same process listens on another address (and takes the new configuration with it). */
  | {
      readonly do: 'move'
      readonly group: string
      readonly cause: Cause
      readonly desired: DesiredGroup
      readonly from: Listen
      readonly servers: readonly ServerChange[]
    }

export interface Plan {
  /** Sorted: stops first, then by group in the profile's order. */
  readonly actions: readonly Action[]
  /** Groups that are already as wanted, so that every group is accounted for. */
  readonly unchanged: readonly string[]
  /** Groups for which nothing can be done yet: a retry that is not due, or an old process that is still leaving. */
  readonly waiting: readonly string[]
  /** When the next `exited` group is due, on the clock that `diff` was given; undefined when none waits. */
  readonly wakeAt: number | undefined
}
