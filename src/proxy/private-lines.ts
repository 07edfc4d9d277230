import { failures, RpcFailure } from './rpc.ts'
import type { Owner } from './sharing.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface PrivateLinesOptions {
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

interface PrivateLine {
  readonly owner: Owner
  readonly upstream: Upstream
  usedAt: number
}

const SWEEP = 30_000
const RETRY_AFTER = 5000

/** The upstreams of one server that belong to one client each: opened when first needed, closed when not any more. */
export class PrivateLines implements Disposable {
  readonly #options: PrivateLinesOptions
  readonly #lines = new Map<string, PrivateLine>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: PrivateLinesOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  get(owner: Owner): Upstream | undefined {
    return this.#lines.get(owner.key)?.upstream
  }

  [Symbol.iterator](): IterableIterator<Pick<PrivateLine, 'owner' | 'upstream'>> {
    return this.#lines.values()
  }

  /** The owner's upstream, started now if need be. Throws RpcFailure when there are too many. */
  open(owner: Owner): Upstream {
    const line = this.#lines.get(owner.key) ?? this.#add(owner)
    line.usedAt = performance.now()
    return line.upstream
  }

  #add(owner: Owner): PrivateLine {
    const { most, connect, opened, server } = this.#options
    if (this.#lines.size >= most) throw overloaded(server, most)
    const line = { owner, upstream: connect(owner), usedAt: 0 }
    this.#lines.set(owner.key, line)
    this.#timer ??= setInterval(() => this.sweep(performance.now()), SWEEP).unref()
    opened(owner, line.upstream)
    return line
  }

  /** The owner is gone. */
  leave(key: string): void {
    const line = this.#lines.get(key)
    if (line) this.#close(line)
  }

  /** Closes what nobody has used for long enough at `now`, in milliseconds of the monotonic clock. */
  sweep(now: number): void {
    const { isBusy, isAttended, idle } = this.#options
    for (const line of this.#lines.values()) {
      if (isBusy(line.upstream) || isAttended(line.owner)) line.usedAt = now
      else if (now - line.usedAt > idle) this.#close(line)
    }
  }

  #close({ owner, upstream }: PrivateLine): void {
    this.#lines.delete(owner.key)
    this.#options.retire(upstream)
    if (this.#lines.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  [Symbol.dispose](): void {
    for (const line of this.#lines.values()) this.#close(line)
  }
}

function overloaded(upstream: string, most: number): RpcFailure {
  const facts = { upstream, kind: 'overloaded', retryable: true, retryAfterMs: RETRY_AFTER }
  const message = `Server "${upstream}" has ${most} clients with a session of their own already`
  return new RpcFailure(failures.overloaded, message, facts)
}
