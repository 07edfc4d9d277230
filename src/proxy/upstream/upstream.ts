import type { Server } from '../../config/profile.ts'
import { pause } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServerState } from '../../shared/status.ts'
import { carry } from '../bridge/carry.ts'
import type { Parking } from '../bridge/parking.ts'
import type { Exchange, Sink } from '../exchange.ts'
import { isError, type Params, type RpcNotification, type RpcResponse } from '../rpc.ts'
import { type Connection, type Declaration, itself, nobody } from './connection.ts'
import { createDialer, type Dialer } from './dialer.ts'
import { LinkFailure } from './failure.ts'
import { handshake } from './handshake.ts'
import { Keeper, type Opening } from './keeper.ts'
import type { Link } from './link.ts'
import type { Listing } from './listing.ts'
import { fetchListing, isSame } from './lists.ts'
import { Refresher } from './refresher.ts'
import { isRepeatable, unavailable } from './refusal.ts'
import { timing as defaultTiming, type Timing } from './timing.ts'
import { Wishes } from './wishes.ts'

/** The user agent of every HTTP request, whoever the client behind it is. */
const PRODUCT = 'mcpctl'

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
  /** The proxy's own. */
  readonly version: string
  readonly log: Log
  readonly events: UpstreamEvents
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
  readonly #keeper: Keeper
  readonly #refresher: Refresher
  readonly #wishes: Wishes
  readonly #closing = new AbortController()
  #listing: Listing | undefined
  /** What the server asked for with `Retry-After`: until then it is left alone. */
  #pausedUntil = 0
  /** Found out at the first connect, so that a lost session comes back over the same transport. */
  #transport: Link['transport']
  #closed: Promise<void> | undefined

  constructor(options: UpstreamOptions) {
    const { server, events } = options
    this.server = server
    this.name = server.name
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#log = options.log.with({ server: server.name })
    this.#wishes = new Wishes(this.#log)
    this.#transport = server.transport.kind === 'auto' ? 'http' : server.transport.kind
    const shared = { server, timing: this.#timing, log: this.#log }
    const userAgent = `${PRODUCT}/${options.version}`
    this.#dialer = createDialer({ ...shared, owner: options.owner, env: options.env, userAgent })
    this.#refresher = new Refresher({ ...shared, fetch: () => this.#refetch() })
    this.#keeper = new Keeper({
      ...shared,
      open: (opening) => this.#open(opening),
      prepare: (connection, signal) => this.#prepare(connection, signal),
      events: {
        changed: () => events.changed(this),
        stale: () => this.#refresher.stale(),
        notified: (notification) => events.notified(this, notification),
      },
    })
  }

  get state(): ServerState {
    return this.#keeper.state
  }

  /** What it speaks; for `auto` a guess until it was ready once. */
  get transport(): Link['transport'] {
    return this.#transport
  }

  get pid(): number | null {
    return this.#keeper.connection?.pid ?? null
  }

  get restarts(): number {
    return this.#keeper.restarts
  }

  get lastError(): string | null {
    return this.#keeper.lastError
  }

  /** The newest lists; kept (stale) while the server is away; undefined until first known. */
  get listing(): Listing | undefined {
    return this.#listing
  }

  /** Starts connecting; returns at once. */
  start(): void {
    this.#keeper.start()
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
  async call(exchange: Exchange): Promise<RpcResponse> {
    const { attempts, backoff } = this.server.retry
    const tries = isRepeatable(exchange.method) ? attempts : 1
    let renewed = false
    for (let tried = 1; ; ) {
      this.#checkPause()
      const connection = await this.#keeper.ready()
      try {
        return await carry(connection, exchange, this.#options.parking)
      } catch (error) {
        if (!(error instanceof LinkFailure)) throw error
        if (error.retryAfterMs !== undefined) this.#pausedUntil = performance.now() + error.retryAfterMs
        if (error.kind === 'session' && !renewed) {
          renewed = true
          continue
        }
        if (tried >= tries || !isPassing(error)) throw this.#refusal(error)
        await pause(backoff * tried++ * (0.5 + Math.random()), exchange.signal)
      }
    }
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
    const answer = await this.#ask('resources/subscribe', params)
    if (!isError(answer)) this.#wishes.subscribe(uri, params)
    return answer
  }

  unsubscribe(uri: string): Promise<RpcResponse> {
    this.#wishes.unsubscribe(uri)
    return this.#ask('resources/unsubscribe', { uri })
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
    this.#refresher[Symbol.dispose]()
    await this.#keeper.close()
    await this.#dialer[Symbol.asyncDispose]()
  }

  /** `auto`: a server that does not know Streamable HTTP is asked for HTTP+SSE, as the specification advises. */
  async #open(opening: Opening): Promise<Connection> {
    try {
      return await this.#shake(this.#transport, opening)
    } catch (error) {
      const isOther = error instanceof LinkFailure && error.kind === 'unsuitable'
      if (!isOther || this.server.transport.kind !== 'auto') throw error
      const connection = await this.#shake('sse', opening).catch((second: unknown) => {
        this.#log.debug('no HTTP+SSE either', { reason: messageOf(second) })
        throw error
      })
      this.#transport = 'sse'
      return connection
    }
  }

  #shake(transport: Link['transport'], opening: Opening): Promise<Connection> {
    return handshake({
      ...opening,
      name: this.name,
      timeouts: this.server.timeouts,
      timing: this.#timing,
      log: this.#log,
      declares: this.#options.declares,
      client: this.#options.client,
      openLink: (events) => this.#dialer.open(transport, events, opening.signal),
    })
  }

  async #prepare(connection: Connection, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#fetch(connection, signal), this.#wishes.tell(connection, signal)])
  }

  async #fetch(connection: Connection, signal: AbortSignal): Promise<void> {
    const listing = await fetchListing({ connection, signal, previous: this.#listing, log: this.#log })
    if (signal.aborted || isSame(this.#listing, listing)) return
    this.#listing = listing
    this.#options.events.listed(this)
  }

  async #refetch(): Promise<void> {
    const { connection } = this.#keeper
    if (connection) await this.#fetch(connection, AbortSignal.timeout(this.server.timeouts.connect))
  }

  #ask(method: string, params: Params): Promise<RpcResponse> {
    return this.call({ method, params, sink: nobody, signal: this.#closing.signal, caller: itself('legacy') })
  }

  #checkPause(): void {
    const retryAfterMs = this.#pausedUntil - performance.now()
    if (retryAfterMs > 0)
      throw unavailable({ upstream: this.name, reason: 'the server asked for a pause', retryAfterMs })
  }

  #refusal(failure: LinkFailure): Error {
    const isAuth = failure.kind === 'unauthorized' || failure.kind === 'forbidden'
    return unavailable({
      upstream: this.name,
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
