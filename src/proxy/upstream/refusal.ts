import type { ServerState } from '../../shared/status.ts'
import { failures, RpcFailure } from '../mcp/rpc.ts'

/** Methods that change nothing: asking twice is asking once. Never a tool call, which may have been executed. */
const repeatable = new Set([
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
])

export function isRepeatable(method: string): boolean {
  return repeatable.has(method)
}

export interface Unavailability {
  readonly upstream: string
  /** Why, without a full stop. */
  readonly reason: string
  readonly kind?: 'upstream_unavailable' | 'auth_required'
  readonly retryable?: boolean
  /** When asking again may help; not finite when it is not known. */
  readonly retryAfterMs?: number | undefined
}

/** The refusal of a call that the server cannot be asked, or did not answer because the way to it broke. */
export function unavailable(options: Unavailability): RpcFailure {
  const { upstream, reason, kind = 'upstream_unavailable', retryable = true, retryAfterMs } = options
  const known = retryAfterMs !== undefined && Number.isFinite(retryAfterMs)
  const wait = known ? { retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)) } : {}
  const message = `Server "${upstream}" is not available: ${reason}`
  return new RpcFailure(failures.upstream_unavailable, message, { upstream, kind, retryable, ...wait })
}

export interface Absence {
  readonly upstream: string
  readonly state: ServerState
  readonly reason: string
  /** Until the next attempt, in milliseconds; not finite when there is none. */
  readonly wait: number
}

/** The refusal of a call while there is no connection. */
export function absent({ upstream, state, reason, wait }: Absence): RpcFailure {
  if (state === 'authRequired') return unavailable({ upstream, reason, kind: 'auth_required', retryable: false })
  return unavailable({ upstream, reason, retryable: state !== 'disabled', retryAfterMs: wait })
}

/** The refusal of a call while the proxy or the server's entry is being taken down. */
export function draining(upstream: string): RpcFailure {
  const facts = { upstream, kind: 'draining', retryable: true }
  return new RpcFailure(failures.draining, `Server "${upstream}" is being stopped`, facts)
}

export function overloaded(upstream: string, retryAfterMs: number): RpcFailure {
  const facts = { upstream, kind: 'overloaded', retryable: true, retryAfterMs }
  return new RpcFailure(failures.overloaded, `Server "${upstream}" has too many calls in flight`, facts)
}

export function timedOut(upstream: string, ms: number): RpcFailure {
  const facts = { upstream, kind: 'upstream_timeout', retryable: true }
  return new RpcFailure(failures.upstream_timeout, `Server "${upstream}" did not answer within ${ms} ms`, facts)
}
