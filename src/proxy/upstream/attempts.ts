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

/** Carries requests through whichever connection there is, as often as the profile and the request allow. */
export class Attempts {
  readonly #options: AttemptsOptions
  /** What the server asked for with `Retry-After`: until then it is left alone. */
  #pausedUntil = 0

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /**
   * Rejects with RpcFailure when the server cannot be asked. What a lost session has refused is repeated once, since it
   * was not executed.
   */
  async run(
    { method, signal }: Pick<Exchange, 'method' | 'signal'>,
    carry: (connection: Connection) => Promise<RpcResponse>,
  ): Promise<RpcResponse> {
    const { attempts, backoff } = this.#options.server.retry
    const tries = isRepeatable(method) ? attempts : 1
    let renewed = false
    for (let tried = 1; ; ) {
      this.#checkPause()
      const ready = this.#options.ready()
      // Who cancels meanwhile is not held up by a connect that goes on.
      const connection = ready instanceof Promise ? await orAborted(ready, signal) : ready
      try {
        return await carry(connection)
      } catch (error) {
        if (!(error instanceof LinkFailure)) throw error
        if (error.retryAfterMs !== undefined) this.#pausedUntil = performance.now() + error.retryAfterMs
        if (error.kind === 'session' && !renewed) {
          renewed = true
          continue
        }
        if (tried >= tries || !isPassing(error)) throw this.#refusal(error)
        await pause(backoff * tried++ * (0.5 + Math.random()), signal)
      }
    }
  }

  #checkPause(): void {
    const retryAfterMs = this.#pausedUntil - performance.now()
    if (retryAfterMs <= 0) return
    const { name } = this.#options.server
    throw unavailable({ upstream: name, reason: 'the server asked for a pause', retryAfterMs })
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
