import type { Plan } from '../plan/model.ts'
import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Drift } from '../shared/drift.ts'
import type { ErrorDocument } from '../shared/errors.ts'
import type { Env } from '../shared/paths.ts'
import type { CatalogStatus, GroupState, ServerStatus } from '../shared/status.ts'

/** What CLI and supervisor say to each other: JSON over HTTP on the project's Unix socket. */

/** Which profile set and profile a person meant, with the environment it is resolved in. */
export interface Wish {
  readonly cwd: string
  /** `-f`, in order; empty when the usual search applies. */
  readonly files: readonly string[]
  /** `--env-file`, in order. */
  readonly envFiles: readonly string[]
  /** The caller's environment, whole: `${VAR}` is read from it, also on later reloads. */
  readonly env: Env
  /** The positional profile or `-p`; undefined lets the rules choose. */
  readonly profile: string | undefined
  /** `up GROUP…`: only these run; empty means all. */
  readonly groups: readonly string[]
  readonly portOffset: number
  /** Watch the files and apply saves. */
  readonly watch: boolean
  /** Begin with the last good configuration if the files are invalid. */
  readonly resume?: boolean
  /** A profile without groups is meant. */
  readonly allowEmpty?: boolean
}

/** All routes on one screen. Bodies and answers are JSON; `events` and `logs` answer NDJSON streams. */
export const routes = {
  status: { method: 'GET', path: '/v1/status' },
  apply: { method: 'POST', path: '/v1/apply' },
  plan: { method: 'POST', path: '/v1/plan' },
  reload: { method: 'POST', path: '/v1/reload' },
  rollback: { method: 'POST', path: '/v1/rollback' },
  restart: { method: 'POST', path: '/v1/restart' },
  start: { method: 'POST', path: '/v1/start' },
  stop: { method: 'POST', path: '/v1/stop' },
  down: { method: 'POST', path: '/v1/down' },
  events: { method: 'GET', path: '/v1/events' },
  logs: { method: 'GET', path: '/v1/logs' },
} as const satisfies Record<string, { method: 'GET' | 'POST'; path: string }>

export type RouteName = keyof typeof routes

/** Bodies by route; a route not named here takes none. */
export interface Bodies {
  readonly apply: Wish
  /** Nothing is done, the difference is answered. */
  readonly plan: Wish
  readonly reload: { readonly dryRun: boolean; readonly allowEmpty?: boolean }
  /** To this generation, or to the one before. */
  readonly rollback: { readonly generation?: number }
  /** Empty means all groups. */
  readonly restart: { readonly groups: readonly string[] }
  readonly start: { readonly groups: readonly string[] }
  readonly stop: { readonly groups: readonly string[] }
}

/** Answers by route. */
export interface Answers {
  readonly status: Status
  readonly apply: Applied
  readonly plan: Applied
  readonly reload: Applied
  readonly rollback: Applied
  readonly restart: Applied
  readonly start: Applied
  readonly stop: Applied
  /** Answered when everything has ended; the supervisor exits right after. */
  readonly down: { readonly stopped: readonly string[]; readonly killed: readonly number[] }
}

/** What an apply did, or a plan would do. */
export interface Applied {
  readonly profile: string
  readonly generation: number
  readonly plan: PrintedPlan
  readonly warnings: readonly Diagnostic[]
}

/** A plan without the resolved configuration inside it: that holds secrets and stays where it is. */
export interface PrintedPlan {
  readonly actions: readonly PrintedAction[]
  readonly unchanged: Plan['unchanged']
}

interface PrintedAction {
  readonly do: Plan['actions'][number]['do']
  readonly group: string
  readonly cause: { readonly why: string; readonly detail: string }
  readonly servers: readonly { readonly name: string; readonly change: 'added' | 'removed' | 'changed' }[]
}

/** `{"error": …}`: the body of every answer that is not 2xx. */
export interface Refusal {
  readonly error: ErrorDocument
}

/** `mcpctl status --json`. */
export interface Status {
  readonly apiVersion: 'mcpctl/v1'
  readonly kind: 'Status'
  readonly project: string
  readonly profile: string
  readonly state: GroupState
  readonly supervisor: {
    readonly pid: number
    readonly startedAt: string
    readonly version: string
    /** What it cannot do on this system; absent when there is nothing. */
    readonly warnings?: readonly string[]
  }
  readonly config: {
    readonly generation: number
    readonly hash: string
    readonly state: 'current' | 'stale'
    readonly problems: readonly Diagnostic[]
  }
  readonly groups: readonly GroupStatus[]
}

export interface GroupStatus {
  readonly name: string
  readonly state: GroupState
  readonly pid: number | null
  readonly port: number
  readonly url: string
  readonly restarts: number
  readonly lastError: string | null
  /** Null while its proxy has said nothing yet, or is not there. */
  readonly catalog: CatalogStatus | null
  readonly servers: readonly ServerStatus[]
}

/** One line of the `events` stream. The first is always a `status`; another follows each change, coalesced. */
export type ControlEvent =
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'applied'; readonly applied: Applied }
  | { readonly type: 'rejected'; readonly problems: readonly Diagnostic[] }
  | { readonly type: 'drift'; readonly drift: DriftEvent }

/** A server is not as `mcpctl.lock` says. */
export interface DriftEvent extends Drift {
  readonly group: string
}

/** One line of the `logs` stream and of the log files. */
export interface LogRecord {
  /** RFC 3339. */
  readonly time: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly msg: string
  /** Absent on records that concern no group. */
  readonly group?: string
  readonly server?: string
  readonly [field: string]: unknown
}
