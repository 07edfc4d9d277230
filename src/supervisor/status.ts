import { isIPv6 } from 'node:net'
import type { Server } from '../config/profile.ts'
import type { GroupStatus, Status } from '../control/protocol.ts'
import type { DesiredGroup } from '../plan/model.ts'
import type { GroupState, ServerState, ServerStatus } from '../shared/status.ts'
import type { Child } from './child.ts'
import type { Life } from './life.ts'
import type { RunningGroup } from './running-group.ts'

export interface StatusParts extends Pick<Status, 'project' | 'profile' | 'supervisor' | 'config'> {
  /** In the profile's order. */
  readonly desired: readonly DesiredGroup[]
  readonly running: ReadonlyMap<string, RunningGroup>
}

/** The document that `mcpctl status` prints: what is wanted, with what is known of each group. */
export function statusOf({ desired, running, project, profile, supervisor, config }: StatusParts): Status {
  const groups = desired.map((group) => groupStatus(group, running.get(group.name)))
  const state = worst(groups)
  return { apiVersion: 'mcpctl/v1', kind: 'Status', project, profile, state, supervisor, config, groups }
}

function groupStatus(desired: DesiredGroup, running: RunningGroup | undefined): GroupStatus {
  const life: Life = running?.life ?? { state: 'none' }
  const child = faceOf(life)
  const state = stateOf(life)
  const { host, port } = desired.listen
  return {
    name: desired.name,
    state,
    pid: child?.pid || null,
    port,
    url: `http://${reachable(host)}:${port}/mcp`,
    restarts: running?.restarts ?? 0,
    lastError: running?.lastError ?? null,
    catalog: child?.status?.catalog ?? null,
    servers: child?.status?.servers ?? withoutProxy(desired, state),
  }
}

/** Who stands for the group: while it is replaced, the one it waits for. */
function faceOf(life: Life): Child | undefined {
  if (life.state === 'replacing') return life.next
  return 'child' in life ? life.child : undefined
}

function stateOf(life: Life): GroupState {
  switch (life.state) {
    case 'none':
      return 'stopped'
    case 'replacing':
      return 'starting'
    case 'running':
      return life.child.status?.state ?? 'starting'
    case 'draining':
      return 'draining'
    case 'waiting':
      return life.for === 'quarantine' ? 'quarantined' : 'backoff'
    default:
      return life satisfies never
  }
}

/** An address to bind everywhere is none to connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return isIPv6(host) ? `[${host}]` : host
}

/** The servers of a group whose proxy has said nothing yet, or is not there: they share its fate. */
function withoutProxy({ group }: DesiredGroup, state: GroupState): readonly ServerStatus[] {
  return group.servers.map((server) => ({
    name: server.name,
    state: server.enabled ? fates[state] : 'disabled',
    transport: transportOf(server),
    pid: null,
    protocol: null,
    tools: 0,
    resources: 0,
    prompts: 0,
    restarts: 0,
    lastError: null,
  }))
}

const fates = {
  starting: 'connecting',
  ready: 'connecting',
  degraded: 'connecting',
  draining: 'disabled',
  backoff: 'backoff',
  quarantined: 'backoff',
  stopped: 'disabled',
} as const satisfies Record<GroupState, ServerState>

/** Which of the two remote ones `auto` will be is known only once a server has answered. */
function transportOf({ transport }: Server): ServerStatus['transport'] {
  return transport.kind === 'auto' ? 'http' : transport.kind
}

/** Worst first. */
const order = ['quarantined', 'backoff', 'starting', 'draining', 'degraded', 'ready'] as const

function worst(groups: readonly GroupStatus[]): GroupState {
  const found = order.find((state) => groups.some((group) => group.state === state))
  return found ?? (groups.length === 0 ? 'starting' : 'stopped')
}
