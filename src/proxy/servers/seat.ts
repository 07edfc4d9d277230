import { isSameConnection } from '../../config/connection.ts'
import type { Server } from '../../config/profile.ts'
import { within } from '../../shared/async.ts'
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
/** Where two must not run at a time: how long calls may keep the old one, and wait for the new one. */
const HAND_OVER = 5_000

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
  /** Takes over once it is ready, or the present one is not any more. */
  #next: Upstream | undefined
  /** Connecting for a configuration that is not in force. */
  #staged: { readonly server: Server; readonly upstream: Upstream } | undefined
  /** Calls wait for it: the old one has to end before the new one starts. */
  #gate: Promise<void> | undefined
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
    if (this.#gate !== undefined) return this.#gate.then(() => this.call(exchange))
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

  /** Connects by a coming definition beside what serves; undefined where there is nothing to connect yet. */
  stage(server: Server): Upstream | undefined {
    this.unstage()
    if (isExclusive(this.#server, server)) return undefined
    const upstream = this.#connect(server)
    if (!upstream) return undefined
    this.#staged = { server, upstream }
    upstream.start()
    return upstream
  }

  /** Drops what was connected for a definition that does not come. */
  unstage(): void {
    if (this.#staged) void this.#turnover.retire(this.#staged.upstream)
    this.#staged = undefined
  }

  /** From now on this is the definition; filters, names and deadlines are in effect when it returns. */
  take(server: Server): void {
    const before = this.#server
    const staged = this.#staged
    if (staged?.server === server) this.#staged = undefined
    else this.unstage()
    this.#server = server
    if (before === server || isSameConnection(before, server)) return
    const superseded = this.#next
    this.#next = staged?.server === server ? staged.upstream : this.#connect(server)
    if (superseded) void this.#turnover.retire(superseded)
    if (this.#upstream && this.#next && isExclusive(before, server)) void this.#handOver(this.#upstream, this.#next)
    else if (this.#next) this.advance()
    else this.#swap(undefined)
  }

  /** One of the upstreams is not in the state it was: the coming one serves as soon as that is no loss. */
  advance(): void {
    if (!this.#next || this.#gate !== undefined) return
    if (this.#next.state === 'ready' || this.#upstream?.state !== 'ready') this.#swap(this.#next)
  }

  /** The old one ends before the new one starts; who calls meanwhile waits. */
  async #handOver(old: Upstream, next: Upstream): Promise<void> {
    const gate = this.#turnover.retire(old, HAND_OVER).then(() => {
      if (this.#next !== next || this.#isClosing) return undefined
      next.start()
      return within(HAND_OVER, next.settled(), undefined)
    })
    this.#gate = gate
    await gate
    if (this.#gate !== gate) return
    this.#gate = undefined
    if (this.#next === next && !this.#isClosing) this.#swap(next)
  }

  #swap(next: Upstream | undefined): void {
    const old = this.#upstream
    this.#upstream = next
    this.#next = undefined
    this.#private[Symbol.dispose]()
    this.#private = this.#privateWays(this.#server)
    this.#options.swapped(this)
    if (old) void this.#turnover.retire(old)
  }

  /** Not started; undefined for a disabled server. */
  #connect(server: Server, owner?: Owner): Upstream | undefined {
    if (!server.enabled) return undefined
    const now = () => (this.#staged?.server === server ? server : this.#server)
    return this.#options.connect(liveServer(server, now), owner)
  }

  #start(server: Server, owner?: Owner): Upstream | undefined {
    const upstream = this.#connect(server, owner)
    upstream?.start()
    return upstream
  }

  #privateWays(server: Server): PrivateWays {
    return new PrivateWays({
      server: server.name,
      most: MOST_PRIVATE[server.transport.kind],
      idle: IDLE,
      connect: (owner) => this.#started(server, owner),
      retire: (upstream) => void this.#turnover.retire(upstream),
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
    this.unstage()
    for (const upstream of [this.#upstream, this.#next]) if (upstream) void this.#turnover.retire(upstream)
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

/** Whether two processes of the server must not run at a time, be it the old one or the new one that says so. */
function isExclusive(one: Server, other: Server): boolean {
  return (one.exclusive || other.exclusive) && one.enabled && other.enabled
}

function unavailable(server: string): RpcFailure {
  const facts = { upstream: server, kind: 'upstream_unavailable', retryable: false }
  return new RpcFailure(failures.upstream_unavailable, `Server ${server} is disabled or was removed`, facts)
}
