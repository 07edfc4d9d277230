import { isSameConnection } from '../config/connection.ts'
import type { Action, DesiredGroup, Listen, Plan } from '../plan/model.ts'
import { defer } from '../shared/async.ts'
import { McpctlError } from '../shared/errors.ts'
import type { Basis } from './proxies.ts'
import type { RunningGroup } from './running-group.ts'

export interface StagingOptions {
  readonly plan: Plan
  /** What the plan leads to. */
  readonly basis: Basis
  /** The group that an action is about, which is there. */
  readonly group: (action: Action) => RunningGroup
  /** A group for one that is to be added, not running; undefined where it cannot begin before others have left. */
  readonly added: (desired: DesiredGroup) => RunningGroup | undefined
}

/**
 * All of a plan that can fail and takes time, done beside what serves: living proxies connect new and changed servers,
 * new groups come up on their sockets. What serves is as it was until the plan is carried out, or what was done is undone.
 */
export class Staging {
  /** The addresses it needs. */
  readonly listens: readonly Listen[]
  readonly #basis: Basis
  readonly #over = new AbortController()
  readonly #ended = defer<never>()
  #reason: McpctlError | undefined
  readonly #added: RunningGroup[] = []
  readonly #shortfalls: string[] = []
  readonly #steps: Promise<void>[] = []

  constructor({ plan, basis, group, added }: StagingOptions) {
    this.#basis = basis
    this.listens = plan.actions.flatMap(listenOf)
    for (const action of plan.actions) {
      if (needsServers(action, group)) this.#steps.push(this.#prepare(action.desired, group(action)))
      else if (isAddition(action)) this.#begin(action.desired, added(action.desired))
    }
    // Whoever waits for it hears of it; until somebody does it is no failure of the process.
    this.#ended.promise.catch(() => {})
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0
  }

  /** The groups that came up for it. */
  get added(): readonly RunningGroup[] {
    return this.#added
  }

  /** What did not come up though nothing depends on it, each as a sentence; complete once it is ready. */
  get shortfalls(): readonly string[] {
    return this.#shortfalls
  }

  /** Rejects with McpctlError `not_ready` when a required server or a group does not come up, or with what ended it. */
  async ready(): Promise<void> {
    await Promise.race([Promise.all(this.#steps), this.#ended.promise])
  }

  /** Ends the wait with a reason. */
  end(reason: McpctlError): void {
    this.#reason ??= reason
    this.#ended.reject(reason)
  }

  /** Throws the reason for which it was ended. */
  assertWanted(): void {
    if (this.#reason) throw this.#reason
  }

  /** Undoes what was done in living proxies. Returns the groups that came up in vain. */
  abort(): readonly RunningGroup[] {
    this.#over.abort()
    this.end(new McpctlError('unreachable', 'the supervisor is ending'))
    return this.#added
  }

  async #prepare(desired: DesiredGroup, group: RunningGroup): Promise<void> {
    const failures = await group.prepare(desired, { basis: this.#basis, signal: this.#over.signal })
    if (!failures) throw failed(`the proxy of group "${desired.name}" did not prepare the new configuration`)
    const required = new Set(desired.group.servers.flatMap(({ name, required: is }) => (is ? [name] : [])))
    for (const { server, reason } of failures) {
      const what = `server "${server}" of group "${desired.name}"`
      if (required.has(server)) throw failed(`${what} is required and did not come up: ${reason}`)
      this.#shortfalls.push(`${what} did not come up yet: ${reason}`)
    }
  }

  #begin(desired: DesiredGroup, group: RunningGroup | undefined): void {
    if (!group) return
    this.#added.push(group)
    this.#steps.push(this.#start(desired, group))
  }

  async #start(desired: DesiredGroup, group: RunningGroup): Promise<void> {
    await group.start(desired, this.#basis)
    if (group.life.state === 'running') return
    throw failed(`group "${desired.name}" did not come up: ${group.lastError ?? 'its proxy ended'}`)
  }
}

function failed(message: string): McpctlError {
  return new McpctlError('not_ready', message, { hint: 'nothing was changed; try again with `mcpctl reload`' })
}

function listenOf(action: Action): Listen[] {
  return action.do === 'stop' ? [] : [action.desired.listen]
}

type Change = Extract<Action, { do: 'reload' | 'move' }>

/** What is only removed, filtered anew or given other deadlines connects to nothing. */
function needsServers(action: Action, group: StagingOptions['group']): action is Change {
  if (action.do !== 'reload' && action.do !== 'move') return false
  const told = new Set(action.servers.flatMap(({ name, change }) => (change === 'removed' ? [] : [name])))
  if (told.size === 0) return false
  const before = new Map(group(action).desired.group.servers.map((server) => [server.name, server]))
  return action.desired.group.servers.some((server) => {
    if (!told.has(server.name)) return false
    const earlier = before.get(server.name)
    return !earlier || !isSameConnection(earlier, server)
  })
}

function isAddition(action: Action): action is Extract<Action, { do: 'start' }> {
  return action.do === 'start' && action.cause.why === 'added'
}
