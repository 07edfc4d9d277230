import type { Server, Timeouts } from '../config/profile.ts'
import { pause } from '../shared/async.ts'
import type { ServerState } from '../shared/status.ts'
import type { Exchange } from './exchange.ts'
import { failures, RpcFailure, type RpcResponse } from './rpc.ts'
import type { Listing } from './upstream/listing.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface SeatOptions {
  readonly server: Server
  /** Makes the upstream for a definition; not started. */
  readonly connect: (server: Server) => Upstream
  /** Another upstream serves from now on: what sessions want of it must be told again. */
  readonly swapped: (seat: Seat) => void
  /** It is up, has failed once, or has spent its connect timeout. */
  readonly settled: () => void
}

/** How long calls in flight may keep an upstream that was replaced or removed. */
const RETIREMENT = 30_000

/**
 * A server's place in the group: the upstream that serves now and, after a change of its definition, beside it the one
 * that will as soon as it has settled.
 */
export class Seat implements AsyncDisposable {
  readonly #options: SeatOptions
  readonly #closing = new AbortController()
  readonly #retiring = new Set<Promise<void>>()
  readonly #inFlight = new Map<Upstream, Set<Promise<unknown>>>()
  #server: Server
  #upstream: Upstream | undefined
  #next: Upstream | undefined
  #isSettled = false

  constructor(options: SeatOptions) {
    this.#options = options
    this.#server = options.server
    this.#upstream = this.#start(options.server)
    void this.settled().then(() => {
      this.#isSettled = true
      options.settled()
    })
  }

  get server(): Server {
    return this.#server
  }

  /** The upstream that serves; undefined for a disabled server. */
  get upstream(): Upstream | undefined {
    return this.#upstream
  }

  /** The upstream whose state is the server's: the coming one while there is one. */
  get newest(): Upstream | undefined {
    return this.#next ?? this.#upstream
  }

  get listing(): Listing | undefined {
    return this.#upstream?.listing
  }

  get state(): ServerState {
    return this.#server.enabled ? (this.newest?.state ?? 'connecting') : 'disabled'
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  async settled(): Promise<void> {
    await this.newest?.settled()
  }

  /** Carries one exchange to the upstream that serves now. Rejects with RpcFailure. */
  async call(exchange: Exchange): Promise<RpcResponse> {
    const upstream = this.#upstream
    if (!upstream) throw unavailable(this.#server.name)
    const calls = this.#inFlight.get(upstream) ?? new Set()
    this.#inFlight.set(upstream, calls)
    const call = upstream.call(exchange)
    calls.add(call)
    try {
      return await call
    } finally {
      calls.delete(call)
    }
  }

  /** Takes over what needs no new connection: filters, names, what is required. */
  adopt(server: Server): void {
    this.#server = server
  }

  /** Connects by the new definition beside the old upstream; resolves once the new one has taken over. */
  async replace(server: Server): Promise<void> {
    const superseded = this.#next
    const next = this.#start(server)
    this.#server = server
    this.#next = next
    if (superseded) this.#retire(superseded)
    await next?.settled()
    if (this.#next !== next || this.#closing.signal.aborted) return
    this.#swap(next)
  }

  #swap(next: Upstream | undefined): void {
    const old = this.#upstream
    this.#upstream = next
    this.#next = undefined
    this.#options.swapped(this)
    if (old) this.#retire(old)
  }

  #start(server: Server): Upstream | undefined {
    if (!server.enabled) return undefined
    const upstream = this.#options.connect({ ...server, timeouts: this.#timeouts })
    upstream.start()
    return upstream
  }

  /** Looked up whenever they are needed: a new configuration of the same connection changes them at once. */
  readonly #timeouts: Timeouts = liveTimeouts(() => this.#server.timeouts)

  /** Lets calls in flight finish, but not for ever; then closes. */
  #retire(upstream: Upstream): void {
    const finished = new AbortController()
    void Promise.allSettled(this.#inFlight.get(upstream) ?? []).then(() => finished.abort())
    const retirement = pause(RETIREMENT, AbortSignal.any([this.#closing.signal, finished.signal]))
      .then(() => upstream.close())
      .finally(() => {
        this.#inFlight.delete(upstream)
        this.#retiring.delete(retirement)
      })
    this.#retiring.add(retirement)
  }

  /** The server is gone from the group: what is in flight finishes, then it stops. */
  async remove(): Promise<void> {
    for (const upstream of [this.#upstream, this.#next]) if (upstream) this.#retire(upstream)
    this.#upstream = undefined
    this.#next = undefined
    await Promise.all(this.#retiring)
  }

  /** Stops at once; calls in flight end with `draining`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.remove()
  }
}

function unavailable(server: string): RpcFailure {
  const facts = { upstream: server, kind: 'upstream_unavailable', retryable: false }
  return new RpcFailure(failures.upstream_unavailable, `Server ${server} is disabled or was removed`, facts)
}

function liveTimeouts(now: () => Timeouts): Timeouts {
  return {
    get connect() {
      return now().connect
    },
    get request() {
      return now().request
    },
    get max() {
      return now().max
    },
    get idle() {
      return now().idle
    },
  }
}
