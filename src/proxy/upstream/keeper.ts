import { defer } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServerState } from '../../shared/status.ts'
import type { RpcNotification } from '../mcp/rpc.ts'
import { blank, type Happening, next, type Past, type Rules, type Step } from './circuit.ts'
import type { Connection, ConnectionEvents } from './connection.ts'
import type { LinkFailure } from './failure.ts'
import { Leaving } from './leaving.ts'
import { asFailure, Opener, type OpenerOptions } from './opener.ts'
import { absent, draining, overloaded } from './refusal.ts'
import type { Retries } from './retries.ts'
import type { Timing } from './timing.ts'

/** Calls that may wait for a connect in progress. */
const MAX_WAITING = 256
/** When to ask again while it is being found out whether the server is back. */
const PROBING_MS = 1000

export interface KeeperOptions extends Pick<OpenerOptions, 'server' | 'turns' | 'open' | 'prepare'> {
  readonly timing: Timing
  /** Of the group. */
  readonly retries: Retries
  readonly log: Log
  readonly events: {
    changed(): void
    /** The server does not accept the credentials. */
    refused(): void
    stale(): void
    notified(notification: RpcNotification): void
  }
}

/**
 * Keeps one connection to a server: the only place that connects, and that decides when to do it again. One attempt at
 * a time, one timer; what an earlier connection still reports is recognised by identity and ignored. When to connect, to
 * rest and to try again is the circuit's word. While the circuit is open calls are refused at once, and the connection,
 * if there still is one, finishes what it carries.
 */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #rules: Rules
  readonly #opener: Opener
  readonly #closing = new AbortController()
  readonly #settled = defer<void>()
  /** Connections on their way out; `close` waits for them. */
  readonly #leaving = new Leaving()
  #state: ServerState = 'connecting'
  #lastError: string | null = null
  #restarts = 0
  #connection: Connection | undefined
  /** Of an open circuit: takes no calls until it has proved that it lives. */
  #held: Connection | undefined
  #past: Past = blank
  /** Resolves when the connect in progress ended, either way. */
  #attempt: Promise<void> | undefined
  /** Its place among the servers that are tried again. */
  #place: Disposable | undefined
  #waiting = 0
  /** Whether this is not the first connect. */
  #isAgain = false
  #timer: NodeJS.Timeout | undefined
  #retryAt = Number.POSITIVE_INFINITY
  /** The lists changed while a coming connection was fetching them. */
  #isStale = false

  constructor(options: KeeperOptions) {
    const { server, timing } = options
    const { stable, session, hopeless } = timing
    this.#options = options
    const leave = (closing: Promise<void>): void => this.#leaving.add(closing)
    this.#opener = new Opener({ ...options, leave, closing: this.#closing.signal })
    this.#rules = { restart: server.restart, isProcess: this.#isProcess, stable, session, hopeless }
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

  /** Of the server's process, also while it takes no calls. */
  get pid(): number | null {
    return (this.#connection ?? this.#held)?.pid ?? null
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
    this.#opener.hurry()
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
    this.#place?.[Symbol.dispose]()
    this.#opener[Symbol.dispose]()
    for (const connection of [this.#connection, this.#held]) if (connection) this.#leaving.add(connection.close(reason))
    this.#connection = undefined
    this.#held = undefined
    await this.#attempt
    await this.#leaving.gone()
    this.#settled.resolve()
  }

  /** The rest is over. Servers that are away take turns; with an open circuit one must show that it is back first. */
  #retry(): void {
    const probe = (): void => this.#begin(performance.now() + PROBING_MS)
    this.#place = this.#options.retries.ask(() => (this.#past.trips > 0 ? probe() : this.#connect()))
  }

  #connect(): void {
    this.#begin(Number.POSITIVE_INFINITY)
    this.#enter('connecting')
  }

  #begin(retryAt: number): void {
    this.#retryAt = retryAt
    this.#connection = undefined
    this.#attempt = this.#try()
  }

  async #try(): Promise<void> {
    try {
      if (!this.#held || !(await this.#revive(this.#held))) await this.#open()
    } catch (error) {
      const failure = asFailure(error)
      if (!this.#closing.signal.aborted) this.#fail({ is: 'missed', failure })
    } finally {
      this.#place?.[Symbol.dispose]()
      this.#settled.resolve()
    }
  }

  /** Whether the connection that was held back lives: if it does, it is the connection again. */
  async #revive(held: Connection): Promise<boolean> {
    try {
      await held.ping(this.#options.timing.heartbeat.timeout)
      if (this.#held === held) this.#adopt(held)
    } catch (error) {
      if (this.#held === held) this.#leaving.add(held.close(asFailure(error)))
    }
    this.#held = undefined
    return this.#connection !== undefined || this.#closing.signal.aborted
  }

  async #open(): Promise<void> {
    if (this.#isAgain && this.#isProcess) this.#restarts++
    this.#isAgain = true
    this.#isStale = false
    await this.#opener.open({
      failures: this.#past.failures,
      events: (own) => this.#eventsOf(own),
      take: (connection) => {
        connection.settle()
        this.#adopt(connection)
      },
    })
  }

  get #isProcess(): boolean {
    return this.#options.server.transport.kind === 'stdio'
  }

  #eventsOf(own: () => Connection | undefined): ConnectionEvents {
    const { events } = this.#options
    const isCurrent = (): boolean => this.#connection !== undefined && own() === this.#connection
    return {
      notified: (notification) => events.notified(notification),
      stale: () => {
        if (isCurrent()) events.stale()
        else this.#isStale = true
      },
      failed: (error) => isCurrent() && this.#failed(error),
      answered: () => isCurrent() && this.#answered(),
      lost: (failure) => this.#lost(own(), failure),
    }
  }

  #adopt(connection: Connection): void {
    this.#connection = connection
    this.#step({ is: 'ready' })
    this.#lastError = null
    this.#options.log.info('server ready', { transport: connection.transport, pid: connection.pid })
    this.#enter('ready')
    if (this.#isStale) this.#options.events.stale()
    this.#isStale = false
  }

  #failed(error: Error): void {
    const step = this.#step({ is: 'failed' })
    if (step.do !== 'rest') return
    this.#held = this.#connection
    this.#rest(step, messageOf(error))
  }

  /** Whether it is of interest that calls are answered. */
  #answered(): boolean {
    this.#step({ is: 'answered' })
    return this.#past.calls !== undefined
  }

  #lost(connection: Connection | undefined, failure: LinkFailure): void {
    const wasHeld = connection === this.#held
    if (!connection || (connection !== this.#connection && !wasHeld)) return
    // Calls whose answers are already on their way outlive a forgotten session.
    const over = failure.kind === 'session' ? connection.drained() : Promise.resolve()
    this.#leaving.add(over.then(() => connection.close(failure)))
    if (wasHeld) {
      // The circuit is open already: the next probe connects.
      this.#held = undefined
      return
    }
    if (!this.#isProcess && failure.kind !== 'session') this.#restarts++
    this.#fail({ is: 'lost', failure })
  }

  #fail(happening: Extract<Happening, { readonly failure: LinkFailure }>): void {
    const { failure } = happening
    const step = this.#step(happening)
    if (step.do === 'rest') this.#rest(step, failure.sentence)
    if (failure.kind === 'unauthorized' || failure.kind === 'forbidden') this.#options.events.refused()
    if (step.do !== 'connect') return
    this.#note(failure.sentence, { state: 'connecting' })
    this.#connect()
  }

  #rest({ state, ms, opened }: Extract<Step, { readonly do: 'rest' }>, reason: string): void {
    this.#note(opened === undefined ? reason : `circuit open after ${opened}: ${reason}`, { state, ms })
    this.#connection = undefined
    this.#retryAt = ms === 'never' ? Number.POSITIVE_INFINITY : performance.now() + ms
    if (ms !== 'never') this.#timer = setTimeout(() => this.#retry(), ms)
    this.#enter(state)
  }

  #note(reason: string, facts: { readonly state: ServerState; readonly ms?: number | 'never' }): void {
    const isNews = this.#state === 'ready'
    this.#lastError = reason
    this.#options.log.warn(isNews ? 'server lost' : 'server not ready', { reason, ...facts })
  }

  #step(happening: Happening): Step {
    const moment = { now: performance.now(), random: Math.random, rules: this.#rules }
    const { past, step } = next(this.#past, happening, moment)
    this.#past = past
    return step
  }

  #enter(state: ServerState): void {
    this.#state = state
    this.#options.events.changed()
  }

  #refusal(): Error {
    const reason = this.#lastError ?? this.#state
    return absent({
      upstream: this.#options.server.name,
      state: this.#state,
      reason,
      wait: this.#retryAt - performance.now(),
    })
  }
}
