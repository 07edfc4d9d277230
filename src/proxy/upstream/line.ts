import type { Timeouts } from '../../config/profile.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Register } from '../../shared/register.ts'
import type { Exchange, Sink } from '../mcp/exchange.ts'
import {
  failures,
  type Id,
  INTERNAL_ERROR,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import type { ConnectionEvents, Declaration } from './connection.ts'
import { Deadlines } from './deadlines.ts'
import { LinkFailure } from './failure.ts'
import { Flights } from './flights.ts'
import type { Headers } from './headers.ts'
import { Heartbeat } from './heartbeat.ts'
import { Lanes } from './lanes.ts'
import type { Link, LinkEvents } from './link.ts'
import { PendingCall } from './pending.ts'
import { overloaded, timedOut } from './refusal.ts'
import type { Timing } from './timing.ts'

const IN_FLIGHT = { stdio: 64, http: 128, sse: 128 } as const satisfies Record<Link['transport'], number>
const QUEUE = 256

export interface LineOptions {
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

/** What an era makes of a line: how it reads what comes, and what else than the request it says about a request. */
export interface Speech {
  received(value: unknown, origin: Id | undefined): void
  /** The stream of an answer ended before it; the answer comes on another one. */
  parted(origin: Id, retryMs: number | undefined): void
  /** What only the stream of unasked messages brings may have been missed. */
  gap(): void
  /** What the head of the request repeats; undefined in an era that knows no such thing. */
  mirror(request: RpcRequest, exchange: Exchange): Headers | undefined
  /** Lets the server know that nobody waits any more. Never rejects. */
  withdraw(call: PendingCall, reason: string): Promise<void>
}

/** The proxy's own requests have a deadline each: their signal. */
const unbounded = { request: 'off', max: 'off' } as const

interface Carriage {
  readonly among: Register<Id, PendingCall>
  readonly timeouts: LineOptions['timeouts']
}

/** A link with the calls in flight on it: bounded, each with its deadlines, until the line is lost or closed. */
export class Line implements AsyncDisposable {
  readonly link: Link
  readonly flights: Flights
  readonly #options: LineOptions
  readonly #lanes: Lanes
  readonly #deadlines: Deadlines
  readonly #clients: Carriage
  #speech: Speech | undefined
  #heartbeat: Heartbeat | undefined
  #lastHeard = performance.now()
  /** Whether somebody wants to know of answers. */
  #isWatched = true
  #end: Error | undefined

  private constructor(link: Link, options: LineOptions) {
    this.link = link
    this.flights = new Flights(() =>
      options.log.warn('the server says more than anybody can read: some of it is dropped'),
    )
    this.#options = options
    const width = IN_FLIGHT[link.transport]
    const { calls } = this.flights
    this.#clients = { among: calls, timeouts: options.timeouts }
    const isAsked = () => [...calls.values()].some((call) => call.isAsked)
    const isPaused = () => calls.size > 0 && [...calls.values()].every((call) => call.isPaused(options.timing.queue))
    this.#lanes = new Lanes({ width, queue: QUEUE, patience: options.timing.queue, isAsked, isPaused })
    this.#deadlines = new Deadlines(
      () => calls.values(),
      (call) => this.#giveUp(call, `timeout after ${call.limit} ms`, timedOut(options.name, call.limit)),
    )
  }

  static async open(openLink: (events: LinkEvents) => Promise<Link>, options: LineOptions): Promise<Line> {
    let line: Line | undefined
    // A link may report before its opener has handed it over: what it said then is told in order.
    const early: ((to: Line) => void)[] = []
    const tell = (event: (to: Line) => void): unknown => (line ? event(line) : early.push(event))
    const link = await openLink({
      received: (value, origin) => tell((to) => to.#received(value, origin)),
      spoiled: (id, reason) => tell((to) => to.flights.spoiled(id, reason)),
      parted: (origin, retryMs) => tell((to) => to.#speech?.parted(origin, retryMs)),
      gap: () => tell((to) => to.#speech?.gap()),
      lost: (failure) => tell((to) => to.lose(failure)),
    })
    line = new Line(link, options)
    for (const event of early) event(line)
    return line
  }

  /** Why it takes no calls any more; undefined while it does. */
  get end(): Error | undefined {
    return this.#end
  }

  /** From now on the line is used in this way; to be called before the first request. */
  speak(speech: Speech): void {
    this.#speech = speech
  }

  /** From now on, if it can be, calls of one client at a time: the server asks without saying whom. */
  narrow(): void {
    this.#lanes.narrow()
  }

  /** Watches over the idle line: `ask` resolves on any sign of life. */
  watch(ask: (ms: number) => Promise<void>): void {
    this.#heartbeat = new Heartbeat({
      timing: this.#options.timing.heartbeat,
      ask,
      isBusy: () => this.flights.calls.size > 0,
      lastHeard: () => this.#lastHeard,
      dead: () => this.lose(new LinkFailure('unreachable', 'the server does not answer a ping')),
    })
  }

  /** Has the server asked for a sign of life at once. */
  suspect(): void {
    this.#heartbeat?.suspect()
  }

  /** A client's request, within the bounds of the line and of the profile. */
  call(exchange: Exchange): Promise<RpcResponse> {
    const { caller, signal } = exchange
    const entered = this.#lanes.enter({ client: caller.session, signal })
    return entered === true ? this.#inside(exchange) : this.#queue(exchange, entered)
  }

  async #queue(exchange: Exchange, entered: false | Promise<boolean>): Promise<RpcResponse> {
    if (await entered) return this.#inside(exchange)
    if (exchange.signal.aborted) throw cancelled(this.#options.name)
    throw overloaded(this.#options.name, this.#options.timing.queue)
  }

  #inside(exchange: Exchange): Promise<RpcResponse> {
    const answer = this.#carry(exchange, this.#clients)
    void answer.then(this.#left, this.#failed)
    return answer
  }

  readonly #left = (): void => {
    this.#lanes.leave()
    if (this.#isWatched) this.#isWatched = this.#options.events.answered()
  }

  readonly #failed = (error: unknown): void => {
    this.#lanes.leave()
    if (error instanceof LinkFailure && error.kind === 'unreachable') this.suspect()
    // What ends with the line is the line's failure.
    if (this.#end !== undefined || !isFault(error)) return
    this.#isWatched = true
    this.#options.events.failed(error)
  }

  /** A request of the proxy's own; the signal is its only deadline. */
  ask(exchange: Exchange): Promise<RpcResponse> {
    return this.#carry(exchange, { among: this.flights.own, timeouts: unbounded })
  }

  /** For what nobody waits for: that it did not arrive, so false, is worth a line, not a failure. */
  async tell(message: RpcNotification | RpcResponse, ms: number): Promise<boolean> {
    try {
      await this.link.send(message, AbortSignal.timeout(ms))
      return true
    } catch (error) {
      this.#options.log.debug('a message did not reach the server', { reason: messageOf(error) })
      this.#examine(error)
      return false
    }
  }

  lose(failure: LinkFailure): void {
    if (this.#end) return
    this.#end = failure
    this.#heartbeat?.[Symbol.dispose]()
    // A forgotten session does not concern the calls whose answers are already on their way.
    if (failure.kind !== 'session') this.flights.failAll(failure)
    this.#options.events.lost(failure)
  }

  async close(reason: Error): Promise<void> {
    this.#end ??= reason
    this.#heartbeat?.[Symbol.dispose]()
    this.#deadlines[Symbol.dispose]()
    this.flights.failAll(reason)
    const { dropped, floods } = this.flights
    if (floods > 0) this.#options.log.warn('messages of a flood were dropped', { messages: floods })
    if (dropped > 0) this.#options.log.debug('messages for nobody were dropped', { messages: dropped })
    await this.link.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(new LinkFailure('ended', 'the connection was closed'))
  }

  #received(value: unknown, origin: Id | undefined): void {
    this.#lastHeard = performance.now()
    this.#speech?.received(value, origin)
  }

  async #carry(exchange: Exchange, { among, timeouts }: Carriage): Promise<RpcResponse> {
    if (this.#end) throw this.#end
    const { signal } = exchange
    const { name } = this.#options
    if (signal.aborted) throw cancelled(name)
    const call = new PendingCall({ id: this.flights.mint(), exchange, timeouts })
    const onAbort = (): void => this.#giveUp(call, messageOf(signal.reason), cancelled(name))
    signal.addEventListener('abort', onAbort, { once: true })
    among.set(call.id, call)
    this.#deadlines.watch(call)
    try {
      this.#send(call)
      const answer = await call.answer
      this.flights.settled(call, answer)
      return answer
    } catch (error) {
      this.#examine(error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      among.delete(call.id)
    }
  }

  #send(call: PendingCall): void {
    const { id, exchange, params, over } = call
    const { method } = exchange
    const request: RpcRequest = params ? { jsonrpc: '2.0', id, method, params } : { jsonrpc: '2.0', id, method }
    const mirrored = this.#speech?.mirror(request, exchange)
    this.link.send(request, over, mirrored, exchange.forwarded).catch((error: unknown) => call.fail(asFailure(error)))
  }

  /** What the failure of one message says about all of them. */
  #examine(error: unknown): void {
    if (!(error instanceof LinkFailure)) return
    if (error.kind === 'session' || error.kind === 'unauthorized') this.lose(error)
  }

  /** Ends a call without an answer and tells the server. */
  #giveUp(call: PendingCall, reason: string, error: Error): void {
    call.fail(error)
    // For a request of the proxy's own nobody is ever asked.
    if (this.flights.calls.get(call.id)) this.flights.ghosts.add(call)
    void this.#speech?.withdraw(call, reason).finally(() => call.abandon())
  }
}

/** Whether it speaks against the server or the way to it: not what it answers, nor a pause that it asks for. */
function isFault(error: unknown): error is Error {
  if (error instanceof RpcFailure) return error.code === failures.upstream_timeout
  if (!(error instanceof LinkFailure) || error.retryAfterMs !== undefined) return false
  return error.kind === 'unreachable' || error.kind === 'ended' || error.kind === 'busy'
}

function cancelled(upstream: string): RpcFailure {
  return new RpcFailure(INTERNAL_ERROR, 'The call was cancelled', { upstream, kind: 'cancelled', retryable: false })
}

function asFailure(error: unknown): Error {
  return error instanceof Error ? error : new LinkFailure('unreachable', messageOf(error))
}
