import type { GroupStatus, Status } from '../../src/control/protocol.ts'
import type { GroupState, ServerState, ServerStatus } from '../../src/shared/status.ts'

/** One line of progress: a group or one of its servers, as it is now. */
export interface Step {
  readonly group: string
  /** Undefined for the group itself. */
  readonly server: string | undefined
  readonly state: GroupState | ServerState
  /** `9 tools`, a URL, or why it is not up. */
  readonly detail: string
  /** When it was last seen going down, or first seen. */
  readonly since: number
  /** Milliseconds it took to come up; undefined until then, and for what was up from the beginning. */
  readonly upAfter: number | undefined
}

/** What has been seen since the command began; each status makes a new one. */
export interface Track {
  readonly startedAt: number
  readonly steps: readonly Step[]
  /** The steps that the last status changed. */
  readonly changed: readonly Step[]
}

export function startTrack(now: number): Track {
  return { startedAt: now, steps: [], changed: [] }
}

/** The track with one more status in it. `now` is on the clock that started the track. */
export function observe(track: Track, status: Status, now: number): Track {
  const before = new Map(track.steps.map((step) => [keyOf(step), step]))
  const steps = status.groups.flatMap(stepsOf).map((step) => timed(step, before.get(keyOf(step)), now))
  return { startedAt: track.startedAt, steps, changed: steps.filter((step) => isNews(step, before.get(keyOf(step)))) }
}

/** The server that took longest to come up; undefined when none had to. */
export function slowest(track: Track): Step | undefined {
  return track.steps
    .filter((step) => step.server !== undefined && step.upAfter !== undefined)
    .toSorted((a, b) => (b.upAfter ?? 0) - (a.upAfter ?? 0))[0]
}

type Seen = Omit<Step, 'since' | 'upAfter'>

function stepsOf(group: GroupStatus): Seen[] {
  const own = { group: group.name, server: undefined, state: group.state, detail: group.lastError ?? '' }
  // The servers of a stopped group are stopped with it.
  return group.state === 'stopped' ? [own] : [own, ...group.servers.map((server) => serverStep(group, server))]
}

function serverStep(group: GroupStatus, server: ServerStatus): Seen {
  return { group: group.name, server: server.name, state: server.state, detail: describeServer(server) }
}

/** `9 tools`, `3 prompts` for a server without tools, or its last error. */
function describeServer({ state, tools, resources, prompts, lastError }: ServerStatus): string {
  if (state !== 'ready') return lastError ?? ''
  if (tools === 0 && resources > 0) return counted(resources, 'resource')
  if (tools === 0 && prompts > 0) return counted(prompts, 'prompt')
  return counted(tools, 'tool')
}

function timed(step: Seen, before: Step | undefined, now: number): Step {
  if (!before) return { ...step, since: now, upAfter: undefined }
  if (isUp(step)) return { ...step, since: now, upAfter: isUp(before) ? before.upAfter : now - before.since }
  return { ...step, since: isUp(before) ? now : before.since, upAfter: undefined }
}

function isUp({ state }: Seen): boolean {
  return state === 'ready' || state === 'degraded'
}

function isNews(step: Step, before: Step | undefined): boolean {
  return before?.state !== step.state || before.detail !== step.detail
}

function keyOf({ group, server }: Pick<Step, 'group' | 'server'>): string {
  return JSON.stringify([group, server])
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
