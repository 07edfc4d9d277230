import { diff } from '../plan/diff.ts'
import type { Action, DesiredGroup, Plan } from '../plan/model.ts'
import { within } from '../shared/async.ts'
import { McpctlError, messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { execute } from './execute.ts'
import type { Basis } from './proxies.ts'
import { RunningGroup } from './running-group.ts'
import type { Sockets } from './sockets.ts'
import { Staging } from './staging.ts'
import type { Surroundings } from './surroundings.ts'

export interface ReconcilerOptions extends Omit<Surroundings, 'changed'> {
  readonly sockets: Sockets
  readonly log: Log
  /** What people see of a group may be different now. */
  readonly changed: () => void
}

/** A plan under way. */
export interface Underway {
  readonly plan: Plan
  /** Resolves when every step is done or has failed. */
  readonly done: Promise<void>
}

/** What a desire asks for and what it would take, with every address it needs held. */
export interface Claimed {
  readonly desired: readonly DesiredGroup[]
  readonly plan: Plan
}

export interface ClaimOptions {
  /** New groups have to get their address too, and to come up; else they may wait for it. */
  readonly isStrict: boolean
}

/** Says what is wanted now; asked again at each turn, since a port that was chosen may have been lost. */
export type Desire = () => readonly DesiredGroup[]

/** How long all proxies together may take to end. */
const END_MS = 8_500
const FORCED_MS = 300

/**
 * The one loop: observe, diff, execute. Whatever happens (an apply, a save, a wish, a lost proxy, a retry that is due)
 * changes what is desired or what is observed, and the next turn carries out the difference. A turn never waits, so
 * no group holds up another; what it began is observed as under way.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #groups = new Map<string, RunningGroup>()
  readonly #surroundings: Surroundings
  #desire: Desire = () => []
  #desired: readonly DesiredGroup[] = []
  #isEnding = false
  /** What is prepared for a desire that is not adopted. */
  #staging: Staging | undefined
  /** Groups of what was prepared in vain, until nobody is left of them. */
  readonly #dropped = new Set<RunningGroup>()
  #soon: NodeJS.Immediate | undefined
  #later: NodeJS.Timeout | undefined

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#surroundings = { ...options, changed: (how) => this.#changed(how) }
  }

  /** As of the last turn, in the profile's order. */
  get desired(): readonly DesiredGroup[] {
    return this.#desired
  }

  get groups(): ReadonlyMap<string, RunningGroup> {
    return this.#groups
  }

  /** The plan that `adopt` would carry out. */
  preview(desire: Desire): Plan {
    try {
      return this.#compare(desire())
    } finally {
      this.#releaseSockets()
    }
  }

  /**
   * Does what can fail at once while nothing is touched yet. Throws McpctlError `conflict` when a group cannot have the
   * address it is to move to, or, strictly, to begin on.
   */
  claim(desire: Desire, { isStrict }: ClaimOptions): Claimed {
    try {
      const desired = desire()
      const plan = this.#compare(desired)
      for (const action of plan.actions) this.#claim(action, isStrict)
      return { desired, plan }
    } catch (error) {
      this.#releaseSockets()
      throw error
    }
  }

  /**
   * Begins what can fail and takes time, beside what serves, for a claim of this very moment; undefined when there is
   * nothing of that kind. To be adopted or abandoned; there is one at a time.
   */
  stage({ plan }: Claimed, { basis, isStrict }: ClaimOptions & { readonly basis: Basis }): Staging | undefined {
    const held = new Set([...this.#groups.values()].flatMap(({ listens }) => listens.map(({ port }) => port)))
    const staging = new Staging({
      plan,
      basis,
      group: (action) => this.#groupOf(action),
      added: (desired) => (isStrict && !held.has(desired.listen.port) ? this.#newGroup(desired) : undefined),
    })
    if (staging.isEmpty) return undefined
    this.#staging = staging
    return staging
  }

  /** What was prepared is not needed: it goes, and the addresses that were held for it. */
  abandon(staging: Staging): void {
    if (this.#staging === staging) this.#staging = undefined
    for (const group of staging.abort()) {
      this.#dropped.add(group)
      void group.stop().finally(() => this.#dropped.delete(group))
    }
    this.#releaseSockets()
  }

  /** Makes this the desire, with what was prepared for it, and takes a turn. */
  adopt(desire: Desire, staging?: Staging): Underway {
    this.#desire = desire
    if (staging && staging === this.#staging) {
      this.#staging = undefined
      for (const group of staging.added) this.#groups.set(group.name, group)
    }
    for (const group of this.#groups.values()) group.probe()
    return this.#turn()
  }

  /** Ends every process. Resolves with the names of the groups that ran and the pids that had to be killed. */
  async end() {
    this.#isEnding = true
    clearImmediate(this.#soon)
    clearTimeout(this.#later)
    if (this.#staging) this.abandon(this.#staging)
    const groups = [...this.#groups.values(), ...this.#dropped].filter((group) => group.children.size > 0)
    const children = groups.flatMap((group) => [...group.children])
    // Of a group without a proxy somebody else may stand in for it.
    const stopped = Promise.all([...this.#groups.values()].map((group) => group.stop()))
    // Also those of groups that wait, which have nobody to stop.
    this.#options.sockets.keepOnly([])
    await within(END_MS, stopped, undefined)
    this.force()
    await within(FORCED_MS, stopped, undefined)
    const killed = children.filter((child) => child.killed).map((child) => child.pid)
    return { stopped: groups.map((group) => group.name), killed }
  }

  /** Waits for no work in flight any more. */
  force(): void {
    for (const group of [...this.#groups.values(), ...this.#dropped])
      for (const child of group.children) void child.force()
  }

  #turn(): Underway {
    clearTimeout(this.#later)
    this.#desired = this.#desire()
    const plan = this.#compare(this.#desired)
    for (const action of plan.actions) this.#record(action)
    const done = execute(plan, (action) => this.#groupOf(action))
    this.#forgetLeft()
    this.#releaseSockets()
    this.#wakeAt(plan.wakeAt)
    this.#options.changed()
    return { plan, done }
  }

  /** A port that is taken is probed every other second: that it is tried again is no news. */
  #record({ do: step, group, cause }: Action): void {
    const life = this.#groups.get(group)?.life
    if (life?.state === 'waiting' && life.for === 'port' && life.reason === cause.detail) return
    this.#options.log.info(`group ${step}`, { group, cause: cause.detail })
  }

  #compare(desired: readonly DesiredGroup[]): Plan {
    const observed = [...this.#groups.values()].map((group) => group.observe())
    return diff({ desired, observed, now: this.#options.now() })
  }

  #claim(action: Action, isStrict: boolean): void {
    const isAdded = action.do === 'start' && action.cause.why === 'added'
    if (action.do !== 'move' && !(isStrict && isAdded)) return
    const socket = this.#options.sockets.hold(action.desired.listen)
    const verb = isAdded ? 'start' : 'move'
    if ('taken' in socket)
      throw new McpctlError('conflict', `group "${action.group}" cannot ${verb}: ${socket.taken()}`)
  }

  #groupOf(action: Action): RunningGroup {
    const known = this.#groups.get(action.group)
    if (known) return known
    if (action.do === 'stop') throw new Error(`the plan stops ${action.group}, which does not run`)
    const group = this.#newGroup(action.desired)
    this.#groups.set(action.group, group)
    return group
  }

  #newGroup(desired: DesiredGroup): RunningGroup {
    return new RunningGroup(desired, this.#surroundings)
  }

  /** Groups that are wanted no more and have left nobody behind. */
  #forgetLeft(): void {
    const wanted = new Set(this.#desired.map(({ name }) => name))
    for (const { name, life, children } of this.#groups.values())
      if (!wanted.has(name) && life.state === 'none' && children.size === 0) this.#groups.delete(name)
  }

  #releaseSockets(): void {
    const listens = [...this.#groups.values()].flatMap((group) => group.listens)
    this.#options.sockets.keepOnly([...listens, ...(this.#staging?.listens ?? [])])
  }

  #changed(how: 'shown' | 'due'): void {
    this.#options.changed()
    if (how === 'due') this.#takeTurnSoon()
  }

  /** A mailbox of one: what happens before the turn is all seen by it. */
  #takeTurnSoon(): void {
    if (this.#isEnding) return
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined
      this.#takeTurn()
    })
  }

  /** A turn that nobody waits for. */
  #takeTurn(): void {
    const failed = (error: unknown) => this.#options.log.error('turn failed', { error: messageOf(error) })
    try {
      this.#turn().done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #wakeAt(time: number | undefined): void {
    if (time === undefined || time === Infinity) return
    this.#later = setTimeout(() => this.#takeTurn(), Math.max(0, time - this.#options.now()))
  }
}
