import type { Action, Cause, DesiredGroup, Listen, ObservedGroup, Plan, ServerChange } from './model.ts'

export interface Picture {
  /** In the profile's order. */
  readonly desired: readonly DesiredGroup[]
  readonly observed: readonly ObservedGroup[]
  /** On the clock that `retryAt` is on. */
  readonly now: number
}

/**
 * Everything that decides what is done: a first start, a save, a crash, `restart`, `stop` and `down` are all
 * differences between what is wanted and what is there. Pure; the same picture always gives the same plan.
 */
export function diff({ desired, observed, now }: Picture): Plan {
  const known = new Map(observed.map((group) => [group.name, group]))
  const verdicts = [
    ...leftovers(desired, observed),
    ...desired.map((group) => verdict(group, known.get(group.name), now)),
  ]
  return {
    actions: stopsFirst(verdicts.flatMap((found) => ('action' in found ? [found.action] : []))),
    unchanged: verdicts.flatMap((found) => ('unchanged' in found ? [found.unchanged] : [])),
    waiting: verdicts.flatMap((found) => ('waiting' in found ? [found.waiting] : [])),
    wakeAt: earliest(verdicts),
  }
}

/** What becomes of one group: something is done, nothing need be, or nothing can be yet. */
type Verdict =
  | { readonly action: Action }
  | { readonly unchanged: string }
  | { readonly waiting: string; readonly until: number | 'exit' }

function leftovers(desired: readonly DesiredGroup[], observed: readonly ObservedGroup[]): readonly Verdict[] {
  const wanted = new Set(desired.map((group) => group.name))
  const cause: Cause = { why: 'removed', detail: 'no longer in the profile' }
  return observed
    .filter(({ name, process }) => !wanted.has(name) && (process.state === 'running' || process.state === 'exited'))
    .map(({ name }) => name)
    .sort()
    .map((group) => ({ action: { do: 'stop', group, cause } }))
}

function verdict(desired: DesiredGroup, observed: ObservedGroup | undefined, now: number): Verdict {
  if (!observed) return desired.running ? start(desired, added) : unchanged(desired)
  if (!desired.running) return ended(observed)
  switch (observed.process.state) {
    case 'none':
      return start(desired, { why: 'asked', detail: 'asked to start' })
    case 'draining':
      // The new process starts when the old one has left: its address is free then, and no two run side by side.
      return { waiting: desired.name, until: 'exit' }
    case 'exited':
      return again(desired, observed, { ...observed.process, now })
    case 'running':
      return adjusted(desired, observed)
    default:
      return observed.process satisfies never
  }
}

const added: Cause = { why: 'added', detail: 'new in the profile' }

function start(desired: DesiredGroup, cause: Cause): Verdict {
  return { action: { do: 'start', group: desired.name, cause, desired } }
}

function unchanged({ name }: { readonly name: string }): Verdict {
  return { unchanged: name }
}

function ended({ name, process }: ObservedGroup): Verdict {
  if (process.state === 'none' || process.state === 'draining') return unchanged({ name })
  return { action: { do: 'stop', group: name, cause: { why: 'asked', detail: 'asked to stop' } } }
}

interface Ended {
  readonly reason: string
  readonly retryAt: number
  readonly now: number
}

function again(desired: DesiredGroup, observed: ObservedGroup, { reason, retryAt, now }: Ended): Verdict {
  if (desired.generation !== observed.generation) return start(desired, restarted)
  if (hasMoved(desired, observed) || desired.hash !== observed.hash) return start(desired, changed(desired, observed))
  if (retryAt > now) return { waiting: desired.name, until: retryAt }
  return start(desired, { why: 'exited', detail: reason })
}

const restarted: Cause = { why: 'asked', detail: 'asked to restart' }

function adjusted(desired: DesiredGroup, observed: ObservedGroup): Verdict {
  const base = { group: desired.name, desired }
  if (desired.generation !== observed.generation) return { action: { ...base, do: 'restart', cause: restarted } }
  const { excess } = { excess: undefined, ...observed.process }
  if (excess !== undefined) return { action: { ...base, do: 'restart', cause: { why: 'memory', detail: excess } } }
  const moved = hasMoved(desired, observed)
  if (!moved && desired.hash === observed.hash) return unchanged(desired)
  const cause = changed(desired, observed)
  const servers = serverChanges(desired.servers, observed.servers)
  if (!moved) return { action: { ...base, do: 'reload', cause, servers } }
  return { action: { ...base, do: 'move', cause, from: observed.listen ?? desired.listen, servers } }
}

/** A group without a socket has not moved: it never got the address it is waiting for. */
function hasMoved(desired: DesiredGroup, { listen }: ObservedGroup): boolean {
  return listen !== undefined && (listen.port !== desired.listen.port || listen.host !== desired.listen.host)
}

function changed(desired: DesiredGroup, observed: ObservedGroup): Cause {
  const address = hasMoved(desired, observed) ? [addressChange(desired.listen, observed.listen)] : []
  const servers = serverChanges(desired.servers, observed.servers).map(({ name, change }) => `server ${name} ${change}`)
  const settings = servers.length === 0 && desired.hash !== observed.hash ? ['group settings changed'] : []
  return { why: 'changed', detail: [...address, ...servers, ...settings].join(', ') }
}

function addressChange(to: Listen, from: Listen | undefined): string {
  if (from?.host === to.host) return `port ${from.port} → ${to.port}`
  return `address ${from?.host}:${from?.port} → ${to.host}:${to.port}`
}

type Hashes = Readonly<Record<string, string>>

function serverChanges(desired: Hashes, observed: Hashes): readonly ServerChange[] {
  const names = new Set([...Object.keys(desired), ...Object.keys(observed)])
  return [...names].sort().flatMap((name) => serverChange(name, desired[name], observed[name]))
}

function serverChange(name: string, desired: string | undefined, observed: string | undefined): ServerChange[] {
  if (desired === observed) return []
  if (observed === undefined) return [{ name, change: 'added' }]
  return [{ name, change: desired === undefined ? 'removed' : 'changed' }]
}

/** What ends makes room, addresses above all, for what begins. */
function stopsFirst(actions: readonly Action[]): readonly Action[] {
  const stops = actions.filter((action) => action.do === 'stop')
  return [...stops, ...actions.filter((action) => action.do !== 'stop')]
}

function earliest(verdicts: readonly Verdict[]): number | undefined {
  const due = verdicts.flatMap((found) => ('until' in found && found.until !== 'exit' ? [found.until] : []))
  return due.length === 0 ? undefined : Math.min(...due)
}
