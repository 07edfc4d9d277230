import type { LookupFunction } from 'node:net'
import type { Server } from '../../config/profile.ts'
import { within } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServerState } from '../../shared/status.ts'
import { carry } from '../bridge/carry.ts'
import type { Crossing } from '../bridge/crossing.ts'
import type { Parking } from '../bridge/parking.ts'
import type { Exchange, Sink } from '../mcp/exchange.ts'
import { isError, type Params, type RpcNotification, type RpcResponse } from '../mcp/rpc.ts'
import { Attempts } from './attempts.ts'
import type { Connection, Declaration } from './connection.ts'
import { Contact } from './contact.ts'
import { createDialer, type Dialer } from './dialer.ts'
import { Inventory } from './inventory.ts'
import { Keeper } from './keeper.ts'
import { LineLimit, steadyLog } from './line-limit.ts'
import type { Link } from './link.ts'
import type { Listing } from './listing.ts'
import { timedOut } from './refusal.ts'
import type { Retries } from './retries.ts'
import type { Snapshot } from './snapshot.ts'
import { timing as defaultTiming, type Timing } from './timing.ts'
import type { Turns } from './turns.ts'
import { Wishes } from './wishes.ts'

/** What is logged of one server, beside what it writes to stderr. */
const LINES_PER_SECOND = 10
/** How long a disk may hold up the end. */
const SAVE_MS = 1000

export interface UpstreamOptions {
  readonly server: Server
  /** The absolute state folder, set as `MCPCTL_OWNER` on every process started. */
  readonly owner: string
  /** What stdio servers may inherit from; the allow-list is applied to it. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the server is told of its client: the proxy itself, or the one downstream client it is opened for. */
  readonly declares: Declaration
  /** Who is asked what the server asks outside of any call: the one client it is opened for. Nobody, when it is shared. */
  readonly client?: Sink
  readonly parking: Parking
  readonly turns: Turns
  /** What is known of the server from earlier starts. */
  readonly snapshot: Snapshot
  /** The proxy's own. */
  readonly version: string
  /** Of the group. */
  readonly retries: Retries
  readonly log: Log
  readonly events: UpstreamEvents
  /** How host names are looked up; undefined as the system does it. */
  readonly lookup?: LookupFunction
  /** Figures no profile sets; tests shorten them. */
  readonly timing?: Partial<Timing>
}

/** What an upstream tells its owner; called synchronously, never awaited. */
export interface UpstreamEvents {
  /** State, pid, lastError, restarts changed. */
  changed(upstream: Upstream): void
  /** New lists are in place in `upstream.listing` (first ones, after `list_changed`, after a reconnect). */
  listed(upstream: Upstream): void
  /** A notification that belongs to no exchange: log messages, resource updates, unknown ones. Never list changes. */
  notified(upstream: Upstream, notification: RpcNotification): void
}

/** One MCP server behind the proxy: keeps one connection alive, its lists fresh, and carries exchanges to it. */
export class Upstream implements AsyncDisposable {
  readonly server: Server
  readonly name: string
  readonly #options: UpstreamOptions
  readonly #timing: Timing
  readonly #log: Log
  readonly #dialer: Dialer
  readonly #contact: Contact
  readonly #keeper: Keeper
  readonly #inventory: Inventory
  readonly #attempts: Attempts
  readonly #wishes: Wishes
  readonly #crossing: Crossing
  readonly #closing = new AbortController()
  /** Resolves when it is known what is known from earlier starts. */
  #recalled: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: UpstreamOptions) {
    const { server, owner, env, turns, events, declares, client, snapshot, lookup } = options
    this.server = server
    this.name = server.name
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    const output = options.log.with({ server: server.name })
    this.#log = steadyLog(output, new LineLimit(LINES_PER_SECOND))
    this.#wishes = new Wishes(this.#log)
    this.#crossing = { upstream: server.name, server, parking: options.parking, listing: () => this.listing }
    const shared = { server, timing: this.#timing, log: this.#log, retries: options.retries }
    // Whoever the client behind it is.
    const userAgent = `mcpctl/${options.version}`
    this.#dialer = createDialer({ ...shared, output, owner, env, userAgent, lookup, isShared: client === undefined })
    const relist = (): Promise<void> => this.#inventory.relist()
    this.#contact = new Contact({ ...shared, dialer: this.#dialer, snapshot, declares, client, relist })
    this.#inventory = new Inventory({
      ...shared,
      snapshot,
      connection: () => this.#keeper.connection,
      changed: () => events.listed(this),
    })
    this.#keeper = new Keeper({
      ...shared,
      turns,
      open: (opening) => this.#contact.open(opening),
      prepare: (connection, signal) => this.#prepare(connection, signal),
      events: {
        changed: () => events.changed(this),
        refused: () => this.#inventory.refused(),
        stale: () => this.#inventory.stale(),
        notified: (notification) => events.notified(this, notification),
      },
    })
    this.#attempts = new Attempts({ server, ready: () => this.#keeper.connection ?? this.#keeper.ready() })
  }

  get state(): ServerState {
    return this.#keeper.state
  }

  /** What it speaks; for `auto` a guess until it was ready once. */
  get transport(): Link['transport'] {
    return this.#contact.transport
  }

  get pid(): number | null {
    return this.#keeper.pid
  }

  get restarts(): number {
    return this.#keeper.restarts
  }

  get lastError(): string | null {
    return this.#keeper.lastError
  }

  /** The newest lists, those of the last start until the server has answered; kept (stale) while it is away. */
  get listing(): Listing | undefined {
    return this.#inventory.listing
  }

  /** When the server last confirmed that the lists are these, in milliseconds of `performance.now()`. */
  get confirmedAt(): number | undefined {
    return this.#inventory.confirmedAt
  }

  /** Starts connecting, and reading what is known from earlier starts; returns at once. */
  start(): void {
    this.#keeper.start()
    this.#recalled = this.#inventory.recall()
  }

  /** Resolves when there are lists, or it is settled without any: never rejects. */
  async known(): Promise<void> {
    await this.#recalled
    if (this.listing === undefined) await this.settled()
  }

  /**
   * Somebody is about to be shown the lists, at `now` in milliseconds of `performance.now()`: what `cache.mode` wants
   * to be waited for, undefined when it is nothing. Never rejects.
   */
  look(now: number): Promise<void> | undefined {
    const connecting = this.server.cache.mode === 'strict' ? this.#keeper.firstAttempt : undefined
    return connecting ?? this.#inventory.look(now)
  }

  /** Resolves when it is ready, has failed once, or has spent its connect timeout: never rejects. */
  settled(): Promise<void> {
    return this.#keeper.settled
  }

  /**
   * Carries one exchange. Resolves with the upstream's own response (its id is meaningless to the caller), error
   * responses included. Rejects with RpcFailure when the server cannot be asked or does not answer in time. A lost
   * upstream session is re-initialised once and the call repeated, since it was not executed.
   */
  call(exchange: Exchange): Promise<RpcResponse> {
    return this.#attempts.run(exchange, (connection) => carry(connection, exchange, this.#crossing))
  }

  /** The log level the downstream sessions want together; replayed after a reconnect. */
  async setLogLevel(level: string): Promise<void> {
    this.#wishes.setLogLevel(level)
    const { connection } = this.#keeper
    if (!connection) return
    try {
      await this.#wishes.tellLogLevel(connection, AbortSignal.timeout(this.server.timeouts.connect))
    } catch (error) {
      // Not lost: the next connection is told before it counts as ready.
      this.#log.debug('the log level waits for the next connection', { reason: messageOf(error) })
    }
  }

  /** The URIs somebody downstream is subscribed to; differences go upstream; replayed after a reconnect. */
  async subscribe(uri: string, extra: Params = {}): Promise<RpcResponse> {
    const params = { ...extra, uri }
    const answer = await this.#ask('resources/subscribe', (connection, signal) => connection.subscribe(params, signal))
    if (!isError(answer)) this.#wishes.subscribe(uri, params)
    return answer
  }

  unsubscribe(uri: string): Promise<RpcResponse> {
    this.#wishes.unsubscribe(uri)
    return this.#ask('resources/unsubscribe', (connection, signal) => connection.unsubscribe(uri, signal))
  }

  /** Passes on what the client it is opened for has to say, e.g. `notifications/roots/list_changed`. Never rejects. */
  async tell(notification: RpcNotification): Promise<void> {
    await this.#keeper.connection?.tell(notification)
  }

  /** Ends calls with `draining`, closes the session, stops the process in stages (EOF, TERM, KILL to its group). */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#inventory[Symbol.dispose]()
    await this.#keeper.close()
    await this.#dialer[Symbol.asyncDispose]()
    await within(SAVE_MS, this.#options.snapshot.saved(), undefined)
  }

  async #prepare(connection: Connection, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#inventory.fetch(connection, signal), this.#wishes.tell(connection, signal)])
  }

  /** For the proxy's own requests: as patient as a client's, and repeated like one. */
  async #ask(
    method: string,
    ask: (connection: Connection, signal: AbortSignal) => Promise<RpcResponse>,
  ): Promise<RpcResponse> {
    const { request } = this.server.timeouts
    const late = request === 'off' ? undefined : AbortSignal.timeout(request)
    const signal = late ? AbortSignal.any([this.#closing.signal, late]) : this.#closing.signal
    try {
      return await this.#attempts.run({ method, signal }, (connection) => ask(connection, signal))
    } catch (error) {
      throw late?.aborted && request !== 'off' ? timedOut(this.name, request) : error
    }
  }
}
