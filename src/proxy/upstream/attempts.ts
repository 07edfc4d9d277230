import type { Server } from '../../config/profile.ts'
import { orAborted, pause } from '../../shared/async.ts'
import type { Exchange } from '../mcp/exchange.ts'
import type { RpcResponse } from '../mcp/rpc.ts'
import type { Connection } from './connection.ts'
import { LinkFailure } from './failure.ts'
import { isRepeatable, unavailable } from './refusal.ts'

export interface AttemptsOptions {
  readonly server: Server
  /** The connection, at once or as soon as there is one; rejects with RpcFailure when there is none. */
  readonly ready: () => Connection | Promise<Connection>
}

/** One request, and what has become of it. */
interface Attempt extends Pick<Exchange, 'method' | 'signal'> {
  readonly carry: (connection: Connection) => Promise<RpcResponse>
  /** How many tries have failed. */
  readonly failed: number
  /** Whether it was made again because the server had forgotten the session. */
  readonly isRenewed: boolean
}

/** Carries requests through whichever connection there is, as often as the profile and the request allow. */
export class Attempts {
  readonly #options: AttemptsOptions

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /**
   * Rejects with RpcFailure when the server cannot be asked. What a lost session has refused is repeated once, since it
   * was not executed.
   */
  run(
    { method, signal }: Pick<Exchange, 'method' | 'signal'>,
    carry: (connection: Connection) => Promise<RpcResponse>,
  ): Promise<RpcResponse> {
    return this.#try({ method, signal, carry, failed: 0, isRenewed: false })
  }

  #try(attempt: Attempt): Promise<RpcResponse> {
    const { carry, signal } = attempt
    const ready = this.#options.ready()
    // Who cancels meanwhile is not held up by a connect that goes on.
    const answer = ready instanceof Promise ? orAborted(ready, signal).then(carry) : carry(ready)
    return answer.catch((error: unknown) => this.#again(attempt, error))
  }

  /** Another try after this failure; rejects when that was the last one. */
  async #again(attempt: Attempt, error: unknown): Promise<RpcResponse> {
    if (!(error instanceof LinkFailure)) throw error
    if (error.kind === 'session' && !attempt.isRenewed) return this.#try({ ...attempt, isRenewed: true })
    const { attempts, backoff } = this.#options.server.retry
    const failed = attempt.failed + 1
    const tries = isRepeatable(attempt.method) ? attempts : 1
    if (failed >= tries || !isPassing(error) || error.retryAfterMs !== undefined) throw this.#refusal(error)
    await pause(backoff * failed * (0.5 + Math.random()), attempt.signal)
    return this.#try({ ...attempt, failed })
  }

  #refusal(failure: LinkFailure): Error {
    const isAuth = failure.kind === 'unauthorized' || failure.kind === 'forbidden'
    return unavailable({
      upstream: this.#options.server.name,
      reason: failure.sentence,
      kind: isAuth ? 'auth_required' : 'upstream_unavailable',
      retryable: isPassing(failure) || failure.kind === 'session',
      retryAfterMs: failure.retryAfterMs,
    })
  }
}

/** Whether the same request may succeed a moment later. */
function isPassing({ kind }: LinkFailure): boolean {
  return kind === 'unreachable' || kind === 'ended' || kind === 'busy'
}
