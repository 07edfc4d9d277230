import { failures, RpcFailure } from '../mcp/rpc.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Owner } from './sharing.ts'

export interface PrivateWaysOptions {
  readonly server: string
  /** How many there may be at a time. */
  readonly most: number
  /** How long one is kept that nobody uses, in milliseconds. */
  readonly idle: number
  /** Makes a started upstream that declares what its owner did. */
  readonly connect: (owner: Owner) => Upstream
  /** Closes one, once its calls are over. */
  readonly retire: (upstream: Upstream) => void
  readonly isBusy: (upstream: Upstream) => boolean
  /** Whether the owner listens, though it asks nothing. */
  readonly isAttended: (owner: Owner) => boolean
  /** A new one knows nothing yet of what its owner wants to hear. */
  readonly opened: (owner: Owner, upstream: Upstream) => void
}

interface PrivateWay {
  readonly owner: Owner
  readonly upstream: Upstream
  usedAt: number
}

const SWEEP = 30_000
const RETRY_AFTER = 5000

/** The upstreams of one server that belong to one client each: opened when first needed, closed when not any more. */
export class PrivateWays implements Disposable {
  readonly #options: PrivateWaysOptions
  readonly #ways = new Map<string, PrivateWay>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: PrivateWaysOptions) {
    this.#options = options
  }

  get(owner: Owner): Upstream | undefined {
    return this.#ways.get(owner.key)?.upstream
  }

  [Symbol.iterator](): IterableIterator<Pick<PrivateWay, 'owner' | 'upstream'>> {
    return this.#ways.values()
  }

  /** The owner's upstream, started now if need be. Throws RpcFailure when there are too many. */
  open(owner: Owner): Upstream {
    const way = this.#ways.get(owner.key) ?? this.#add(owner)
    way.usedAt = performance.now()
    return way.upstream
  }

  #add(owner: Owner): PrivateWay {
    const { most, connect, opened, server } = this.#options
    if (this.#ways.size >= most) throw overloaded(server, most)
    const way = { owner, upstream: connect(owner), usedAt: 0 }
    this.#ways.set(owner.key, way)
    this.#timer ??= setInterval(() => this.sweep(performance.now()), SWEEP).unref()
    opened(owner, way.upstream)
    return way
  }

  /** The owner is gone. */
  leave(key: string): void {
    const way = this.#ways.get(key)
    if (way) this.#close(way)
  }

  /** Closes what nobody has used for long enough at `now`, in milliseconds of the monotonic clock. */
  sweep(now: number): void {
    const { isBusy, isAttended, idle } = this.#options
    for (const way of this.#ways.values()) {
      if (isBusy(way.upstream) || isAttended(way.owner)) way.usedAt = now
      else if (now - way.usedAt > idle) this.#close(way)
    }
  }

  #close({ owner, upstream }: PrivateWay): void {
    this.#ways.delete(owner.key)
    this.#options.retire(upstream)
    if (this.#ways.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  [Symbol.dispose](): void {
    for (const way of this.#ways.values()) this.#close(way)
  }
}

function overloaded(upstream: string, most: number): RpcFailure {
  const facts = { upstream, kind: 'overloaded', retryable: true, retryAfterMs: RETRY_AFTER }
  const message = `Server "${upstream}" has ${most} clients with a session of their own already`
  return new RpcFailure(failures.overloaded, message, facts)
}
