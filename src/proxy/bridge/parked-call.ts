import { randomUUID } from 'node:crypto'
import { type Deferred, defer } from '../../shared/async.ts'
import { Aborter } from '../../shared/signal.ts'
import { checkCapability, isQuestion, requiredFor } from '../mcp/capability.ts'
import type { Asking, Caller, Exchange, Sink } from '../mcp/exchange.ts'
import {
  failures,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  type Params,
  type RpcError,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import type { Connection } from '../upstream/connection.ts'
import { across } from './across.ts'
import { Backlog } from './backlog.ts'
import { stripEnvelope } from './envelope.ts'
import { isInterruptible } from './methods.ts'
import { modernNotification } from './modern-notification.ts'
import { type Answers, OpenQuestions } from './open-questions.ts'
import { withoutAnswers } from './request-state.ts'

/** Where calls with questions wait. */
export interface Lot {
  /** How long a call waits for its client, in milliseconds. */
  readonly patience: number
  /** Makes room for a call that has a question now; false when there is none. A call that has room keeps it. */
  admit(call: ParkedCall): boolean
  release(call: ParkedCall): void
}

/** What one request of the client came to: the end of the call, or questions that its next request has to answer. */
export type Turn =
  | { readonly kind: 'answered'; readonly response: RpcResponse }
  | { readonly kind: 'asked'; readonly inputRequests: Params }

/** A question the client could not be asked. */
interface Missing {
  readonly requiredCapabilities: Params
  /** What the server was answered with. */
  readonly refusal: unknown
}

interface Visit {
  readonly exchange: Exchange
  readonly turn: Deferred<Turn>
  /** Ends the call when the client does not want it any more. */
  readonly onAbort: () => void
}

/** Questions that come within so many milliseconds go to the client together. */
const COLLECT_MS = 10
/** Notifications kept for a client that is away. */
const MOST_HELD = 256

/**
 * A modern client's call of a legacy server. The server's questions are requests in the middle of the call, the
 * client's answers come with its next request: so the call stays in flight upstream and outlives the requests that
 * attach to it, one after the other. In between it is parked: notifications are held, nobody cancels it, and its
 * patience is limited.
 */
export class ParkedCall implements Sink {
  readonly upstream: string
  readonly principal: string
  readonly #lot: Lot
  readonly #abort = new Aborter()
  readonly #questions = new OpenQuestions()
  readonly #backlog = new Backlog(MOST_HELD)
  /** The request that is attached now. */
  #visit: Visit | undefined
  /** Who attached last: what it declared is what may be asked. */
  #caller: Caller
  #method = ''
  #id: string | undefined
  #window: NodeJS.Timeout | undefined
  #patience: NodeJS.Timeout | undefined
  #missing: Missing | undefined
  /** Set once the call is over: tells whoever is, or will be, attached. */
  #settle: ((turn: Deferred<Turn>) => void) | undefined

  constructor({ upstream, caller, lot }: { upstream: string; caller: Caller; lot: Lot }) {
    this.upstream = upstream
    this.principal = caller.principal
    this.#caller = caller
    this.#lot = lot
  }

  /** Most calls never need a place in the lot, nor a name. */
  get id(): string {
    this.#id ??= randomUUID()
    return this.#id
  }

  /** Puts the call on its way, with its first request attached. Resolves and rejects as `attach` does. */
  start(connection: Connection, exchange: Exchange): Promise<Turn> {
    this.#method = exchange.method
    const turn = this.attach(exchange)
    const params = stripEnvelope(isInterruptible(exchange.method) ? withoutAnswers(exchange.params) : exchange.params)
    connection.call(across(exchange, { params, sink: this, signal: this.#abort })).then(
      (response) => this.#finish((one) => one.resolve({ kind: 'answered', response })),
      (error: unknown) => this.#finish((one) => one.reject(error)),
    )
    return turn
  }

  /**
   * Goes on with the call for this request: what was held is told first, then the questions are answered by key.
   * Resolves when the server asks again, or the call is over; rejects as `Connection.call` does, and with RpcFailure
   * while another request is attached. When the request's signal aborts, the call is cancelled.
   */
  attach(exchange: Exchange, answers: Answers = {}): Promise<Turn> {
    if (this.#visit)
      return Promise.reject(new RpcFailure(INVALID_PARAMS, 'Another request is going on with this call already'))
    clearTimeout(this.#patience)
    const { signal } = exchange
    const turn = defer<Turn>()
    const onAbort = (): void => this.#abort.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    this.#enter({ exchange, turn, onAbort }, answers)
    return turn.promise
  }

  #enter(visit: Visit, answers: Answers): void {
    this.#visit = visit
    this.#caller = visit.exchange.caller
    for (const notification of this.#backlog.take()) this.notify(notification)
    this.#questions.answer(answers)
    if (this.#settle) this.#part(visit, this.#settle)
    else if (this.#questions.size > 0) this.#collect()
  }

  /** The request that was attached is answered. */
  #release({ exchange: { signal }, onAbort }: Visit): void {
    this.#visit = undefined
    signal.removeEventListener('abort', onAbort)
  }

  notify(notification: RpcNotification): void {
    if (this.#visit) tell(notification, this.#visit.exchange)
    else this.#backlog.add(notification)
  }

  async request(request: RpcRequest, { signal }: Asking): Promise<RpcResponse> {
    this.#check(request)
    const answer = this.#questions.put(request, signal)
    if (this.#visit) this.#collect()
    return await answer
  }

  /** What the client would have had to declare, when the call ended with the very error of a question that was refused. */
  missingFor({ code }: RpcError['error']): Params | undefined {
    const { refusal, requiredCapabilities } = this.#missing ?? {}
    return refusal instanceof RpcFailure && refusal.code === code ? requiredCapabilities : undefined
  }

  /** Ends it, whoever is attached. */
  cancel(reason: string): void {
    clearTimeout(this.#window)
    clearTimeout(this.#patience)
    this.#leave()
    this.#abort.abort(reason)
  }

  #check(request: RpcRequest): void {
    if (!isQuestion(request.method) || !isInterruptible(this.#method))
      throw new RpcFailure(METHOD_NOT_FOUND, `The client cannot be asked ${request.method} during ${this.#method}`)
    this.#checkCapability(request)
    if (this.#settle) throw new RpcFailure(INTERNAL_ERROR, 'The call is over')
    if (!this.#lot.admit(this)) throw this.#overloaded()
  }

  #checkCapability(request: RpcRequest): void {
    try {
      checkCapability(request, this.#caller.capabilities)
    } catch (refusal) {
      this.#missing = { requiredCapabilities: requiredFor(request), refusal }
      throw refusal
    }
  }

  /** A question that cannot wait for its answer ends the call: the server would wait in vain. */
  #overloaded(): RpcFailure {
    const facts = { upstream: this.upstream, kind: 'overloaded', retryable: true }
    const failure = new RpcFailure(failures.overloaded, 'Too many calls wait for input of their clients', facts)
    this.#finish((turn) => turn.reject(failure))
    this.cancel(failure.message)
    return failure
  }

  #collect(): void {
    this.#window ??= setTimeout(() => this.#ask(), COLLECT_MS)
  }

  /** The questions go to the client, and the call is parked. */
  #ask(): void {
    this.#window = undefined
    if (!this.#visit || this.#questions.size === 0) return
    const { turn } = this.#visit
    this.#release(this.#visit)
    this.#patience = setTimeout(() => this.cancel('The client did not come back with input'), this.#lot.patience)
    turn.resolve({ kind: 'asked', inputRequests: this.#questions.inputRequests })
  }

  /** The call is over. Parked, it keeps its outcome until the client comes for it or patience ends. */
  #finish(settle: (turn: Deferred<Turn>) => void): void {
    if (this.#settle) return
    this.#settle = settle
    this.#questions.close()
    if (this.#visit) this.#part(this.#visit, settle)
  }

  #leave(): void {
    if (this.#id !== undefined) this.#lot.release(this)
  }

  #part(visit: Visit, settle: (turn: Deferred<Turn>) => void): void {
    this.#release(visit)
    clearTimeout(this.#window)
    this.#leave()
    settle(visit.turn)
  }
}

function tell(notification: RpcNotification, exchange: Exchange): void {
  const told = modernNotification(notification, exchange)
  if (told) exchange.sink.notify(told)
}
