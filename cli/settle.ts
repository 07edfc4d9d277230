import type { ControlClient } from '../src/control/client.ts'
import type { Applied, GroupStatus, Status } from '../src/control/protocol.ts'
import { McpctlError } from '../src/shared/errors.ts'
import type { Context } from './context.ts'
import { follow } from './follow.ts'
import { createRenderer } from './progress/renderers.ts'
import { elapsed } from './progress/step-line.ts'
import { observe, slowest, startTrack } from './progress/track.ts'

/** How long `--wait` waits unless it is told otherwise, in milliseconds. */
export const WAIT_TIMEOUT = 60_000

export interface SettleOptions {
  readonly control: ControlClient
  /** Milliseconds. */
  readonly timeout: number
  /** Brings about what is waited for; absent when nothing has to be done first. */
  readonly change?: () => Promise<Applied>
  /** Lines that say what the change is about to do. */
  readonly announce?: (applied: Applied) => readonly string[]
  /** Only these groups count; empty means all. */
  readonly groups: readonly string[]
}

export interface Settled {
  readonly status: Status
  readonly applied: Applied | undefined
  /** `ready in 1.9 s (slowest: weather 1.6 s)` */
  readonly summary: string
  /** `conflict` for a taken port, `not_ready` when time was up; undefined when every group is up. */
  readonly failure: McpctlError | undefined
}

/**
 * Makes a change and follows the events, shown as progress, until every group is ready or degraded or holds a taken
 * port, or time is up. Throws what the change throws, and `unreachable` when the supervisor ends meanwhile.
 */
export async function settle(context: Context, options: SettleOptions): Promise<Settled> {
  const { control, timeout, groups } = options
  using renderer = createRenderer(context)
  let track = startTrack(performance.now())
  await using follower = follow(control, {
    timeout,
    onEvent(event) {
      renderer.show(event)
      if (event.type === 'status') track = observe(track, event.status, performance.now())
    },
  })
  const applied = await options.change?.()
  for (const line of (applied && options.announce?.(applied)) ?? []) renderer.say(line)
  const status = await follower.until((seen) => isSettled(seen, { applied, groups }))
  const took = performance.now() - track.startedAt
  const counting = counted(status, { applied, groups })
  return { status, applied, failure: failureOf(counting, timeout), summary: summarise(took, slowest(track)) }
}

interface Wanted {
  readonly applied: Applied | undefined
  readonly groups: readonly string[]
}

function isSettled(status: Status, wanted: Wanted): boolean {
  if (wanted.applied && status.config.generation < wanted.applied.generation) return false
  return counted(status, wanted).every((group) => isUp(group) || cannotListen(group))
}

/** The groups that have to come up: a stopped one only if it is meant to start now, or is what is waited for. */
function counted({ groups }: Status, wanted: Wanted): GroupStatus[] {
  const starting = new Set(
    wanted.applied?.plan.actions.filter((action) => action.do !== 'stop').map((action) => action.group),
  )
  return groups
    .filter(({ name }) => wanted.groups.length === 0 || wanted.groups.includes(name))
    .filter(({ name, state }) => state !== 'stopped' || starting.has(name) || isAwaited(name, wanted))
}

function isAwaited(name: string, { applied, groups }: Wanted): boolean {
  return applied === undefined && groups.includes(name)
}

function failureOf(groups: readonly GroupStatus[], timeout: number): McpctlError | undefined {
  const waiting = groups.filter((group) => !isUp(group))
  if (waiting.length === 0) return undefined
  const names = waiting.map(({ name, state, lastError }) => `${name} is ${state}${lastError ? ` (${lastError})` : ''}`)
  if (waiting.every(cannotListen))
    return new McpctlError('conflict', names.join('; '), {
      hint: 'end the other process, or give the group another port',
    })
  return new McpctlError('not_ready', `not ready within ${elapsed(timeout)}: ${names.join('; ')}`, {
    hint: `mcpctl logs ${waiting[0]?.name} shows why`,
  })
}

function isUp(group: GroupStatus): boolean {
  return (group.state === 'ready' || group.state === 'degraded') && !cannotListen(group)
}

/** The supervisor says why, also where a group still serves on its old address; nobody should wait for that. */
function cannotListen({ lastError }: GroupStatus): boolean {
  return /\bport \d+ is taken\b|\bcannot listen on\b/.test(lastError ?? '')
}

function summarise(ms: number, last: ReturnType<typeof slowest>): string {
  const named = last ? ` (slowest: ${last.server} ${elapsed(last.upAfter ?? 0)})` : ''
  return `ready in ${elapsed(ms)}${named}`
}
