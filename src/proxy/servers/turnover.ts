import { pause } from '../../shared/async.ts'
import type { Exchange } from '../mcp/exchange.ts'
import type { RpcResponse } from '../mcp/rpc.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** How long calls in flight may keep an upstream that was replaced or removed. */
const RETIREMENT = 30_000

/** Of one upstream. */
interface Usage {
  calls: number
  /** Told when none is in flight any more; only who is on the way out wants to know. */
  finished: (() => void) | undefined
}

/** What is in flight through the upstreams of one server, and those of them on their way out. */
export class Turnover implements AsyncDisposable {
  readonly #closing = new AbortController()
  readonly #retiring = new Set<Promise<void>>()
  readonly #inFlight = new Map<Upstream, Usage>()

  /** Carries one exchange; until it is answered its upstream is in use. */
  call(upstream: Upstream, exchange: Exchange): Promise<RpcResponse> {
    const usage = this.#usageOf(upstream)
    const over = (): void => {
      usage.calls--
      if (usage.calls === 0) usage.finished?.()
    }
    const answer = upstream.call(exchange)
    usage.calls++
    void answer.then(over, over)
    return answer
  }

  #usageOf(upstream: Upstream): Usage {
    const known = this.#inFlight.get(upstream)
    if (known) return known
    const usage: Usage = { calls: 0, finished: undefined }
    this.#inFlight.set(upstream, usage)
    return usage
  }

  isBusy(upstream: Upstream): boolean {
    return (this.#inFlight.get(upstream)?.calls ?? 0) > 0
  }

  /** Lets calls in flight finish, but not for ever; then closes. Resolves when it is closed. */
  retire(upstream: Upstream, longest = RETIREMENT): Promise<void> {
    const finished = new AbortController()
    const usage = this.#usageOf(upstream)
    usage.finished = () => finished.abort()
    if (usage.calls === 0) finished.abort()
    const retirement = pause(longest, AbortSignal.any([this.#closing.signal, finished.signal]))
      .then(() => upstream.close())
      .finally(() => {
        this.#inFlight.delete(upstream)
        this.#retiring.delete(retirement)
      })
    this.#retiring.add(retirement)
    return retirement
  }

  /** Resolves when all that were retired are closed. */
  async retired(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  /** From now on nothing is waited for: calls in flight end with `draining`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.retired()
  }
}
