import type { Restart } from '../../config/profile.ts'
import type { ServerState } from '../../shared/status.ts'
import type { LinkFailure } from './failure.ts'

const FLOOR_MS = 100

export interface RestOptions {
  readonly failure: LinkFailure
  /** Failures in a row before this one. */
  readonly failures: number
  /** Whether the connection had been ready, so that its end is news. */
  readonly wasReady: boolean
  readonly isProcess: boolean
  readonly restart: Restart
  /** Between looks at what time alone does not repair, in milliseconds. */
  readonly hopeless: number
  readonly random: () => number
}

/** What an upstream does after a failure: the state it shows and how long it rests, `never` when it stays down. */
export interface Rest {
  readonly state: Extract<ServerState, 'connecting' | 'backoff' | 'authRequired' | 'failed'>
  readonly ms: number | 'never'
}

/** Full jitter: a crowd of servers that went down together does not come back together. */
export function rest(options: RestOptions): Rest {
  const { failure, failures, wasReady, isProcess, restart, hopeless, random } = options
  const isFirst = wasReady && failures === 0
  if (failure.kind === 'session' && isFirst) return { state: 'connecting', ms: 0 }
  if (restart.policy === 'never' && failure.kind !== 'session') return { state: 'failed', ms: 'never' }
  if (failure.kind === 'hopeless') return { state: 'failed', ms: hopeless * (0.8 + 0.4 * random()) }
  if (failure.kind === 'unauthorized' || failure.kind === 'forbidden')
    return { state: 'authRequired', ms: hopeless * (0.8 + 0.4 * random()) }
  if (failure.retryAfterMs !== undefined) return { state: 'backoff', ms: failure.retryAfterMs }
  if (isProcess && isFirst) return { state: 'connecting', ms: 0 }
  const longest = Math.min(restart.maxBackoff, restart.backoff * 2 ** Math.min(failures, 30))
  return { state: 'backoff', ms: Math.max(FLOOR_MS, longest * random()) }
}
