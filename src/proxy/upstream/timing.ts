import type { Stages } from './process-group.ts'

/** Figures that no profile sets. One record, so that a test can make minutes of them into milliseconds. */
export interface Timing {
  /** Ready for so long, a connection's earlier failures are forgotten. */
  readonly stable: number
  /** A session that was good for so long is replaced at once when the server forgets it. */
  readonly session: number
  /** Between looks at what time alone does not repair: a missing command, refused credentials. */
  readonly hopeless: number
  /** Silence after a `list_changed` before the lists are fetched anew. */
  readonly debounce: number
  /** At most one refetch in so long. */
  readonly refetch: number
  /** How old lists may be when somebody looks at them, of a server that neither says so nor announces changes. */
  readonly revalidate: number
  readonly heartbeat: HeartbeatTiming
  /** How long a modern server may take to begin to announce changes. */
  readonly acknowledged: number
  /** How long a remote server may take to say which era it speaks; less when the time to connect is short. */
  readonly probe: number
  /** How long a call waits for a place among those in flight. */
  readonly queue: number
  /** How long a process that starts may keep others from starting. */
  readonly turn: number
  readonly stop: Stages
}

export interface HeartbeatTiming {
  /** Of silence on an idle connection before it is asked. */
  readonly every: number
  /** For one answer. */
  readonly timeout: number
  /** Unanswered in a row before the connection counts as lost. */
  readonly misses: number
}

export const timing: Timing = {
  stable: 30_000,
  session: 1000,
  hopeless: 300_000,
  debounce: 100,
  refetch: 1000,
  revalidate: 60_000,
  heartbeat: { every: 30_000, timeout: 10_000, misses: 3 },
  acknowledged: 10_000,
  probe: 2500,
  queue: 5000,
  turn: 2000,
  stop: { eof: 1500, term: 1500, kill: 500 },
}
