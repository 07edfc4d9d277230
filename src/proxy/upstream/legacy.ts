import type { Timeouts } from '../../config/profile.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Exchange, Sink } from '../exchange.ts'
import {
  type Id,
  INTERNAL_ERROR,
  type Params,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../rpc.ts'
import {
  type Connection,
  type ConnectionEvents,
  type Declaration,
  type Greeting,
  itself,
  nobody,
} from './connection.ts'
import { LinkFailure } from './failure.ts'
import { Heartbeat } from './heartbeat.ts'
import { Inbox } from './inbox.ts'
import { Lanes } from './lanes.ts'
import type { Link, LinkEvents } from './link.ts'
import { PendingCall } from './pending.ts'
import { overloaded, timedOut } from './refusal.ts'
import type { Timing } from './timing.ts'

const IN_FLIGHT = { stdio: 64, http: 128, sse: 128 } as const satisfies Record<Link['transport'], number>
const QUEUE = 256
/** How long a message that nobody waits for may take on its way to the server. */
const NOTIFY_MS = 1000
const REPLY_MS = 10_000

export interface LegacyOptions {
  readonly name: string
  /** What the server is told of its client. */
  readonly declares: Declaration
  /** The one client behind this connection; undefined when many share it. */
  readonly client: Sink | undefined
  readonly timeouts: Pick<Timeouts, 'request' | 'max'>
  readonly timing: Timing
  readonly log: Log
  readonly events: ConnectionEvents
}

interface Carriage {
  readonly among: Map<Id, PendingCall>
  readonly timeouts: LegacyOptions['timeouts']
}

/** The proxy's own requests have a deadline each: their signal. */
const unbounded = { request: 'off', max: 'off' } as const

/**
 * A session of the era with `initialize` (2024-11-05 … 2025-11-25): our ids and tokens on the wire, the client's on the
 * other side, and for everything the server says in between the exchange it belongs to.
 */
export class LegacyConnection implements Connection {
  readonly era = 'legacy'
  readonly #options: LegacyOptions
  readonly #link: Link
  readonly #inbox: Inbox
  readonly #lanes: Lanes
  /** The clients' requests in flight. */
  readonly #calls = new Map<Id, PendingCall>()
  readonly #own = new Map<Id, PendingCall>()
  /** From 1: some servers cannot cancel a request with the id 0. */
  #nextId = 1
  #greeting: Greeting | undefined
  #heartbeat: Heartbeat | undefined
  /** The side stream being opened: servers may speak there during a call, so the first calls wait for it. */
  #opening: Promise<void> | undefined
  #lastHeard = performance.now()
  #end: Error | undefined

  private constructor(link: Link, options: LegacyOptions) {
    this.#options = options
    this.#link = link
    const width = IN_FLIGHT[link.transport]
    const isAsked = () => [...this.#calls.values()].some(({ asked }) => asked.size > 0)
    const narrowed = () => options.timeouts.request
    this.#lanes = new Lanes({ width, queue: QUEUE, patience: options.timing.queue, narrowed, isAsked })
    this.#inbox = new Inbox({
      calls: this.#calls,
      own: this.#own,
      takesBatches: () => this.#greeting === undefined || this.#greeting.protocolVersion === '2025-03-26',
      send: (message) => void this.#tell(message, REPLY_MS),
      declared: options.declares.capabilities,
      client: options.client,
      guessed: () => this.#lanes.narrow(),
      events: options.events,
    })
  }

  /** Opens a link with a connection on top of it; the greeting follows. */
  static async open(
    openLink: (events: LinkEvents) => Promise<Link>,
    options: LegacyOptions,
  ): Promise<LegacyConnection> {
    let connection: LegacyConnection | undefined
    // A link may report before its opener has handed it over: what it said then is told in order.
    const early: ((to: LegacyConnection) => void)[] = []
    const tell = (event: (to: LegacyConnection) => void): unknown =>
      connection ? event(connection) : early.push(event)
    const link = await openLink({
      received: (value, origin) => tell((to) => to.#received(value, origin)),
      spoiled: (id, reason) => tell((to) => to.#inbox.spoiled(id, reason)),
      gap: () => options.events.stale(),
      lost: (failure) => tell((to) => to.lose(failure)),
    })
    connection = new LegacyConnection(link, options)
    for (const event of early) event(connection)
    return connection
  }

  get greeting(): Greeting {
    if (!this.#greeting) throw new Error('the connection has not been greeted')
    return this.#greeting
  }

  get transport(): Link['transport'] {
    return this.#link.transport
  }

  get pid(): number | null {
    return this.#link.pid
  }

  get end(): Error | undefined {
    return this.#end
  }

  /** The end of the handshake: from here on the revision goes with every message. */
  async greet(greeting: Greeting, signal: AbortSignal): Promise<void> {
    this.#greeting = greeting
    this.#link.agreed(greeting.protocolVersion)
    await this.#link.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, signal)
  }

  settle(): void {
    this.#opening = this.#link.listen().finally(() => {
      this.#opening = undefined
    })
    this.#heartbeat = new Heartbeat({
      timing: this.#options.timing.heartbeat,
      ask: (ms) => this.#ping(ms),
      isBusy: () => this.#calls.size > 0,
      lastHeard: () => this.#lastHeard,
      dead: () => this.lose(new LinkFailure('unreachable', 'the server does not answer a ping')),
    })
  }

  async call(exchange: Exchange): Promise<RpcResponse> {
    if (this.#opening !== undefined) await this.#opening
    const { caller, signal } = exchange
    const entered = this.#lanes.enter({ client: caller.session, signal })
    const isIn = typeof entered === 'boolean' ? entered : await entered
    if (!isIn && signal.aborted) throw cancelled(this.#options.name)
    if (!isIn) throw overloaded(this.#options.name, this.#options.timing.queue)
    try {
      return await this.#carry(exchange, { among: this.#calls, timeouts: this.#options.timeouts })
    } catch (error) {
      if (error instanceof LinkFailure && error.kind === 'unreachable') this.#heartbeat?.suspect()
      throw error
    } finally {
      this.#lanes.leave()
    }
  }

  ask(method: string, params: Params | undefined, signal: AbortSignal): Promise<RpcResponse> {
    return this.#carry(
      { method, params, signal, sink: nobody, caller: itself('legacy') },
      { among: this.#own, timeouts: unbounded },
    )
  }

  tell(notification: RpcNotification): Promise<void> {
    return this.#tell(notification, NOTIFY_MS)
  }

  async drained(): Promise<void> {
    await Promise.allSettled([...this.#calls.values()].map((call) => call.answer))
  }

  lose(failure: LinkFailure): void {
    if (this.#end) return
    this.#end = failure
    this.#heartbeat?.[Symbol.dispose]()
    // A forgotten session does not concern the calls whose answers are already on their way.
    if (failure.kind !== 'session') this.#failAll(failure)
    this.#options.events.lost(failure)
  }

  async close(reason: Error): Promise<void> {
    this.#end ??= reason
    this.#heartbeat?.[Symbol.dispose]()
    this.#failAll(reason)
    this.#inbox.close()
    const { dropped } = this.#inbox
    if (dropped > 0) this.#options.log.debug('messages for nobody were dropped', { messages: dropped })
    await this.#link.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(new LinkFailure('ended', 'the connection was closed'))
  }

  #received(value: unknown, origin: Id | undefined): void {
    this.#lastHeard = performance.now()
    this.#inbox.received(value, origin)
  }

  async #carry(exchange: Exchange, { among, timeouts }: Carriage): Promise<RpcResponse> {
    if (this.#end) throw this.#end
    const { signal } = exchange
    const { name } = this.#options
    if (signal.aborted) throw cancelled(name)
    const call = new PendingCall({
      id: this.#nextId++,
      exchange,
      timeouts,
      expired: (late, ms) => this.#giveUp(late, `timeout after ${ms} ms`, timedOut(name, ms)),
    })
    const onAbort = (): void => this.#giveUp(call, messageOf(signal.reason), cancelled(name))
    signal.addEventListener('abort', onAbort, { once: true })
    among.set(call.id, call)
    try {
      this.#send(call)
      const answer = await call.answer
      this.#inbox.settled(call, answer)
      return answer
    } catch (error) {
      this.#examine(error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      among.delete(call.id)
    }
  }

  /** What the failure of one message says about all of them. */
  #examine(error: unknown): void {
    if (!(error instanceof LinkFailure)) return
    if (error.kind === 'session' || error.kind === 'unauthorized') this.lose(error)
  }

  #send({ id, exchange, params, over, fail }: PendingCall): void {
    const request: RpcRequest = { jsonrpc: '2.0', id, method: exchange.method, ...(params ? { params } : {}) }
    this.#link.send(request, over).catch((error: unknown) => fail(asFailure(error)))
  }

  /** Ends a call without an answer and tells the server, but never about `initialize` (MCP: Cancellation). */
  #giveUp(call: PendingCall, reason: string, error: Error): void {
    call.fail(error)
    if (call.exchange.method === 'initialize') {
      call.abandon()
      return
    }
    const params = { requestId: call.id, reason }
    void this.#tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, NOTIFY_MS).finally(call.abandon)
  }

  /** For what nobody waits for: that it did not arrive is worth a line, not a failure. */
  async #tell(message: RpcNotification | RpcResponse, ms: number): Promise<void> {
    try {
      await this.#link.send(message, AbortSignal.timeout(ms))
    } catch (error) {
      this.#options.log.debug('a message did not reach the server', { reason: messageOf(error) })
      this.#examine(error)
    }
  }

  /** Any answer is a sign of life: an error, a refusal, even nonsense. */
  async #ping(ms: number): Promise<void> {
    try {
      await this.ask('ping', undefined, AbortSignal.timeout(ms))
    } catch (error) {
      if (!(error instanceof LinkFailure) || error.kind === 'unreachable' || error.kind === 'ended') throw error
    }
  }

  #failAll(error: Error): void {
    for (const call of [...this.#calls.values(), ...this.#own.values()]) {
      call.fail(error)
      call.abandon()
    }
  }
}

function cancelled(upstream: string): RpcFailure {
  return new RpcFailure(INTERNAL_ERROR, 'The call was cancelled', { upstream, kind: 'cancelled', retryable: false })
}

function asFailure(error: unknown): Error {
  return error instanceof Error ? error : new LinkFailure('unreachable', messageOf(error))
}
