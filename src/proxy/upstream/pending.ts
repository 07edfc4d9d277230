import type { Timeouts } from '../../config/profile.ts'
import { type Deferred, defer } from '../../shared/async.ts'
import { Aborter, type Signal } from '../../shared/signal.ts'
import type { Exchange } from '../mcp/exchange.ts'
import { metaOf, withMeta } from '../mcp/meta.ts'
import type { Id, Params, RpcResponse } from '../mcp/rpc.ts'
import type { Question } from './question.ts'

export interface PendingOptions {
  readonly id: number
  readonly exchange: Exchange
  readonly timeouts: Pick<Timeouts, 'request' | 'max'>
}

/** One request on its way: its two deadlines, its progress token and the requests the server makes because of it. */
export class PendingCall {
  readonly id: number
  readonly exchange: Exchange
  /** The client's own progress token; the server sees our id in its place. */
  readonly token: Id | undefined
  readonly #answer: Deferred<RpcResponse> = defer()
  readonly #over = new Aborter()
  readonly #since = performance.now()
  #lastSign = this.#since
  readonly #silence: number
  readonly #max: number
  #asked: Map<Id, Question> | undefined
  #elicitations: Set<unknown> | undefined

  constructor({ id, exchange, timeouts: { request, max } }: PendingOptions) {
    this.id = id
    this.exchange = exchange
    this.token = tokenOf(exchange.params)
    this.#silence = request === 'off' ? Number.POSITIVE_INFINITY : request
    this.#max = max === 'off' ? Number.POSITIVE_INFINITY : max
  }

  get answer(): Promise<RpcResponse> {
    return this.#answer.promise
  }

  /** Aborted when the call is over, answered or not. */
  get over(): Signal {
    return this.#over
  }

  /** Requests of the server that the client has not answered yet, by the server's id. */
  get asked(): Map<Id, Question> {
    this.#asked ??= new Map()
    return this.#asked
  }

  get isAsked(): boolean {
    return this.#asked !== undefined && this.#asked.size > 0
  }

  /** Of the pages that the server has sent the client to because of this call. */
  get elicitations(): Set<unknown> {
    this.#elicitations ??= new Set()
    return this.#elicitations
  }

  /** The parameters as the server sees them: the token is ours, since two clients may use the same one. */
  get params(): Params | undefined {
    const { params } = this.exchange
    if (this.token === undefined || !params) return params
    return withMeta(params, { progressToken: this.id })
  }

  /**
   * When it will have been silent for too long, or have lasted too long, as things are now; in milliseconds of
   * `performance.now()`. While a person thinks about the server's question, the server may be silent.
   */
  get due(): number {
    const lastSign = this.isAsked ? performance.now() : this.#lastSign
    return Math.min(lastSign + this.#silence, this.#since + this.#max)
  }

  /** Which of the two limits it has passed, or will pass first; in milliseconds. */
  get limit(): number {
    return this.due < this.#since + this.#max ? this.#silence : this.#max
  }

  /** A sign of life: the silence begins anew. */
  touch(): void {
    this.#lastSign = performance.now()
  }

  /** Whether its client has owed the server an answer for so many milliseconds. */
  isPaused(ms: number): boolean {
    if (!this.isAsked) return false
    for (const { since } of this.asked.values()) if (performance.now() - since >= ms) return true
    return false
  }

  settle(answer: RpcResponse): void {
    this.#stop(true)
    this.#answer.resolve(answer)
  }

  fail(error: Error): void {
    this.#stop(false)
    this.#answer.reject(error)
  }

  /** Lets go of the answer's stream; for a call that failed without one. */
  abandon(): void {
    this.#over.abort()
  }

  #stop(isAnswered: boolean): void {
    if (!this.isAsked) return
    for (const question of this.asked.values()) question.callEnded(isAnswered)
    this.asked.clear()
  }
}

function tokenOf(params: Params | undefined): Id | undefined {
  const token = metaOf(params).progressToken
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}
