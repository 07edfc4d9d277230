import type { Server } from '../../config/profile.ts'
import type { ServerState } from '../../shared/status.ts'
import type { Caller, Exchange } from '../mcp/exchange.ts'
import { failures, RpcFailure, type RpcResponse } from '../mcp/rpc.ts'
import type { Listing } from '../upstream/listing.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { liveServer } from './live-server.ts'
import { PrivateWays } from './private-ways.ts'
import { type Owner, ownerOf, wayOf } from './sharing.ts'
import { Turnover } from './turnover.ts'

export interface SeatOptions {
  readonly server: Server
  /** Makes the upstream for a definition, the shared one or that of one owner; not started. */
  readonly connect: (server: Server, owner?: Owner) => Upstream
  /** Another upstream serves from now on: what sessions want of it must be told again. */
  readonly swapped: (seat: Seat) => void
  /** The same for one owner: it has an upstream of its own from now on. */
  readonly opened: (way: Way) => void
  /** Whether the owner listens, though it asks nothing. */
  readonly isAttended: (owner: Owner) => boolean
  /** It is up, has failed once, or has spent its connect timeout. */
  readonly settled: () => void
}

/** One way to the server: the upstream all share, or that of one owner. */
export interface Way {
  readonly name: string
  readonly server: string
  readonly owner: Owner | undefined
  readonly upstream: Upstream
}

const MOST_PRIVATE = { stdio: 16, http: 64, sse: 64, auto: 64 } as const satisfies Record<string, number>
/** A private upstream nobody uses is kept for so long. */
const IDLE = 5 * 60_000

/**
 * A server's place in the group: the upstream that all share and, after a change of its definition, beside it the one
 * that will as soon as it has settled; and those that belong to one client each.
 */
export class Seat implements AsyncDisposable {
  readonly #options: SeatOptions
  readonly #turnover = new Turnover()
  #private: PrivateWays
  #server: Server
  #upstream: Upstream | undefined
  #next: Upstream | undefined
  #isSettled = false
  #isClosing = false

  constructor(options: SeatOptions) {
    this.#options = options
    this.#server = options.server
    this.#upstream = this.#start(options.server)
    this.#private = this.#privateWays(options.server)
    void this.settled().then(() => {
      this.#isSettled = true
      options.settled()
    })
  }

  get server(): Server {
    return this.#server
  }

  /** The upstream that all share; undefined for a disabled server. */
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

  /** Resolves when there are lists, were it only those of the last start, or it is settled without any. */
  async known(): Promise<void> {
    await this.#upstream?.known()
  }

  /** Carries one exchange, through the caller's own upstream if it has to have one. Throws or rejects with RpcFailure. */
  call(exchange: Exchange): Promise<RpcResponse> {
    return this.#turnover.call(this.open(exchange.caller), exchange)
  }

  /** The upstream for this caller, started now if it is a private one. Throws RpcFailure when there can be none. */
  open(caller: Caller): Upstream {
    if (!this.#upstream) throw unavailable(this.#server.name)
    const owner = this.ownerOf(caller)
    return owner ? this.#private.open(owner) : this.#upstream
  }

  /** Whose upstream carries this caller's calls; undefined for the shared one. */
  ownerOf(caller: Caller): Owner | undefined {
    return ownerOf(this.#server, caller, this.listing)
  }

  /** The name of the way this caller's calls take. */
  wayOf(caller: Caller): string {
    return wayOf(this.#server.name, this.ownerOf(caller))
  }

  /** Whether any client has an upstream of its own. */
  get isParted(): boolean {
    return !this.#private.isEmpty
  }

  /** The caller's own upstream, while there is one. */
  privateUpstream(caller: Caller): Upstream | undefined {
    if (this.#private.isEmpty) return undefined
    const owner = this.ownerOf(caller)
    return owner && this.#private.get(owner)
  }

  /** Every way to the server that is open now. */
  *ways(): Generator<Way> {
    const { name } = this.#server
    if (this.#upstream) yield { name, server: name, owner: undefined, upstream: this.#upstream }
    for (const { owner, upstream } of this.#private) yield { name: wayOf(name, owner), server: name, owner, upstream }
  }

  /** The session is over: what was open for it alone is closed. */
  leave(session: string): void {
    this.#private.leave(session)
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
    if (superseded) this.#turnover.retire(superseded)
    await next?.settled()
    if (this.#next !== next || this.#isClosing) return
    this.#swap(next)
  }

  #swap(next: Upstream | undefined): void {
    const old = this.#upstream
    this.#upstream = next
    this.#next = undefined
    this.#private[Symbol.dispose]()
    this.#private = this.#privateWays(this.#server)
    this.#options.swapped(this)
    if (old) this.#turnover.retire(old)
  }

  #start(server: Server, owner?: Owner): Upstream | undefined {
    if (!server.enabled) return undefined
    const upstream = this.#options.connect(
      liveServer(server, () => this.#server),
      owner,
    )
    upstream.start()
    return upstream
  }

  #privateWays(server: Server): PrivateWays {
    return new PrivateWays({
      server: server.name,
      most: MOST_PRIVATE[server.transport.kind],
      idle: IDLE,
      connect: (owner) => this.#started(server, owner),
      retire: (upstream) => this.#turnover.retire(upstream),
      isBusy: (upstream) => this.#turnover.isBusy(upstream),
      isAttended: this.#options.isAttended,
      opened: (owner, upstream) =>
        this.#options.opened({ name: wayOf(server.name, owner), server: server.name, owner, upstream }),
    })
  }

  #started(server: Server, owner: Owner): Upstream {
    const upstream = this.#start(server, owner)
    if (upstream) return upstream
    throw unavailable(server.name)
  }

  /** The server is gone from the group: what is in flight finishes, then it stops. */
  async remove(): Promise<void> {
    for (const upstream of [this.#upstream, this.#next]) if (upstream) this.#turnover.retire(upstream)
    this.#private[Symbol.dispose]()
    this.#upstream = undefined
    this.#next = undefined
    await this.#turnover.retired()
  }

  /** Stops at once; calls in flight end with `draining`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    const removed = this.remove()
    await this.#turnover[Symbol.asyncDispose]()
    await removed
  }
}

function unavailable(server: string): RpcFailure {
  const facts = { upstream: server, kind: 'upstream_unavailable', retryable: false }
  return new RpcFailure(failures.upstream_unavailable, `Server ${server} is disabled or was removed`, facts)
}
