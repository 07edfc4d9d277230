import type { Server } from '../../config/profile.ts'
import { defer } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServerState } from '../../shared/status.ts'
import type { RpcNotification } from '../mcp/rpc.ts'
import { rest } from './backoff.ts'
import type { Connection, ConnectionEvents } from './connection.ts'
import { LinkFailure } from './failure.ts'
import { draining, overloaded, unavailable } from './refusal.ts'
import type { Retries } from './retries.ts'
import type { Timing } from './timing.ts'
import type { Rank, Turn, Turns } from './turns.ts'

/** Calls that may wait for a connect in progress. */
const MAX_WAITING = 256
const LONGEST_START_MS = 120_000

export interface KeeperOptions {
  readonly server: Server
  readonly timing: Timing
  /** Of the group. */
  readonly retries: Retries
  readonly log: Log
  /** Who shares the processor while processes start; a remote server does not ask. */
  readonly turns: Turns
  /** A greeted connection; rejects with LinkFailure. What it leaves behind goes to `leave`. */
  readonly open: (opening: Opening) => Promise<Connection>
  /** What a new connection needs before it counts as ready: lists, what the last one had been told. */
  readonly prepare: (connection: Connection, signal: AbortSignal) => Promise<void>
  readonly events: {
    changed(): void
    /** The server does not accept the credentials. */
    refused(): void
    stale(): void
    notified(notification: RpcNotification): void
  }
}

export interface Opening {
  readonly events: ConnectionEvents
  readonly signal: AbortSignal
  readonly leave: (closing: Promise<void>) => void
}

/**
 * Keeps one connection to a server: the only place that connects, and that decides when to do it again. One attempt at
 * a time, one timer; what an earlier connection still reports is recognised by identity and ignored.
 */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #closing = new AbortController()
  readonly #settled = defer<void>()
  /** Connections on their way out; `close` waits for them. */
  readonly #leaving = new Set<Promise<void>>()
  #state: ServerState = 'connecting'
  #lastError: string | null = null
  #restarts = 0
  #connection: Connection | undefined
  /** Resolves when the connect in progress ended, either way. */
  #attempt: Promise<void> | undefined
  /** Its place among the processes that start, from asking for it to the greeting. */
  #turn: Turn | undefined
  #waiting = 0
  #failures = 0
  #readySince: number | undefined
  #timer: NodeJS.Timeout | undefined
  /** Gives up the turn that is waited for. */
  #yield: (() => void) | undefined
  #retryAt = Number.POSITIVE_INFINITY
  /** The lists changed while a coming connection was fetching them. */
  #isStale = false

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  get state(): ServerState {
    return this.#state
  }

  get lastError(): string | null {
    return this.#lastError
  }

  get restarts(): number {
    return this.#restarts
  }

  /** The ready connection. */
  get connection(): Connection | undefined {
    return this.#connection
  }

  /** Resolves when the first connect has ended, either way; undefined when it has, or one after a loss is in progress. */
  get firstAttempt(): Promise<void> | undefined {
    return this.#state === 'connecting' && this.#lastError === null ? this.#attempt : undefined
  }

  get settled(): Promise<void> {
    return this.#settled.promise
  }

  start(): void {
    if (this.#options.server.enabled) {
      this.#connect()
      return
    }
    this.#enter('disabled')
    this.#settled.resolve()
  }

  /** The ready connection, waiting for a connect in progress but for nothing else; else rejects with RpcFailure. */
  async ready(): Promise<Connection> {
    const { name } = this.#options.server
    if (this.#state === 'connecting' && this.#waiting >= MAX_WAITING) throw overloaded(name, this.#options.timing.queue)
    this.#turn?.hurry()
    this.#waiting++
    while (this.#state === 'connecting' && this.#attempt && !this.#closing.signal.aborted) await this.#attempt
    this.#waiting--
    if (this.#connection) return this.#connection
    throw this.#closing.signal.aborted ? draining(name) : this.#refusal()
  }

  /** Ends the connection with its calls, and every attempt at another one. Never rejects. */
  async close(): Promise<void> {
    const reason = draining(this.#options.server.name)
    this.#closing.abort(reason)
    clearTimeout(this.#timer)
    this.#yield?.()
    this.#turn?.[Symbol.dispose]()
    const connection = this.#connection
    this.#connection = undefined
    if (connection) this.#leave(connection.close(reason))
    await this.#attempt
    await Promise.all(this.#leaving)
    this.#settled.resolve()
  }

  /** Once the rest is over; many that are away take turns. */
  #retry(): void {
    this.#yield = this.#options.retries.ask(() => this.#connect())
  }

  #connect(): void {
    this.#retryAt = Number.POSITIVE_INFINITY
    if (this.#attempt && this.#isProcess) this.#restarts++
    this.#connection = undefined
    this.#isStale = false
    this.#attempt = this.#try()
    this.#enter('connecting')
  }

  async #try(): Promise<void> {
    const { prepare, turns } = this.#options
    using turn = this.#isProcess ? turns.ask(this.#rank) : undefined
    this.#turn = turn
    // Its time begins with its turn.
    if (turn) await turn.begun
    const budget = this.#budget()
    const late = new LinkFailure('unreachable', `not ready within ${budget} ms`)
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(late), budget)
    const signal = AbortSignal.any([deadline.signal, this.#closing.signal])
    let connection: Connection | undefined
    try {
      signal.throwIfAborted()
      connection = await this.#open(signal)
      turn?.[Symbol.dispose]()
      await prepare(connection, signal)
      signal.throwIfAborted()
      if (connection.end) throw connection.end
      this.#adopt(connection)
    } catch (error) {
      const failure = asFailure(signal.aborted ? signal.reason : error)
      if (connection) this.#leave(connection.close(failure))
      if (!this.#closing.signal.aborted) this.#fail(failure, false)
    } finally {
      clearTimeout(timer)
      this.#settled.resolve()
    }
  }

  get #rank(): Rank {
    if (this.#readySince !== undefined) return 'again'
    return this.#options.server.required ? 'required' : 'other'
  }

  get #isProcess(): boolean {
    return this.#options.server.transport.kind === 'stdio'
  }

  /** A first start may have to download the server first: cut off each time, it would never get there. */
  #budget(): number {
    const { connect } = this.#options.server.timeouts
    return this.#isProcess ? Math.min(connect * 2 ** this.#failures, Math.max(connect, LONGEST_START_MS)) : connect
  }

  #open(signal: AbortSignal): Promise<Connection> {
    const { events, open } = this.#options
    let own: Connection | undefined
    const isCurrent = (): boolean => own !== undefined && own === this.#connection
    const opening = open({
      signal,
      leave: (closing) => this.#leave(closing),
      events: {
        notified: (notification) => events.notified(notification),
        stale: () => {
          if (isCurrent()) events.stale()
          else this.#isStale = true
        },
        lost: (failure) => own && isCurrent() && this.#lost(own, failure),
      },
    })
    return opening.then((connection) => {
      own = connection
      return connection
    })
  }

  #adopt(connection: Connection): void {
    this.#connection = connection
    this.#readySince = performance.now()
    if (this.#failures > 0) this.#options.retries.succeeded()
    this.#lastError = null
    this.#options.log.info('server ready', { transport: connection.transport, pid: connection.pid })
    connection.settle()
    this.#enter('ready')
    if (this.#isStale) this.#options.events.stale()
  }

  #lost(connection: Connection, failure: LinkFailure): void {
    // Calls whose answers are already on their way outlive a forgotten session.
    const over = failure.kind === 'session' ? connection.drained() : Promise.resolve()
    this.#leave(over.then(() => connection.close(failure)))
    if (!this.#isProcess && failure.kind !== 'session') this.#restarts++
    this.#fail(failure, true)
  }

  #fail(failure: LinkFailure, wasReady: boolean): void {
    const { server, timing, log } = this.#options
    const lived = this.#readySince === undefined ? 0 : performance.now() - this.#readySince
    const enough = failure.kind === 'session' ? timing.session : timing.stable
    if (wasReady && lived >= enough) this.#failures = 0
    if (failure.kind === 'unauthorized' || failure.kind === 'forbidden') this.#options.events.refused()
    const facts = { failure, wasReady, isProcess: this.#isProcess, failures: this.#failures, hopeless: timing.hopeless }
    const { state, ms } = rest({ ...facts, restart: server.restart, random: Math.random })
    this.#failures++
    this.#lastError = failure.sentence
    log.warn(wasReady ? 'server lost' : 'server not ready', { reason: failure.sentence, state, ms })
    if (ms === 0) {
      this.#connect()
      return
    }
    this.#connection = undefined
    this.#retryAt = ms === 'never' ? Number.POSITIVE_INFINITY : performance.now() + ms
    if (ms !== 'never') this.#timer = setTimeout(() => this.#retry(), ms)
    this.#enter(state)
  }

  #enter(state: ServerState): void {
    this.#state = state
    this.#options.events.changed()
  }

  #leave(closing: Promise<void>): void {
    this.#leaving.add(closing)
    void closing.finally(() => this.#leaving.delete(closing))
  }

  #refusal(): Error {
    const { name } = this.#options.server
    const upstream = { upstream: name, reason: this.#lastError ?? this.#state }
    if (this.#state === 'authRequired') return unavailable({ ...upstream, kind: 'auth_required', retryable: false })
    return unavailable({
      ...upstream,
      retryable: this.#state !== 'disabled',
      retryAfterMs: this.#retryAt - performance.now(),
    })
  }
}

function asFailure(thrown: unknown): LinkFailure {
  if (thrown instanceof LinkFailure) return thrown
  return new LinkFailure('unreachable', messageOf(thrown), { cause: thrown })
}
