import type { Timeouts } from '../../config/profile.ts'
import { type Deferred, defer } from '../../shared/async.ts'
import type { Exchange } from '../mcp/exchange.ts'
import { metaOf, withMeta } from '../mcp/meta.ts'
import type { Id, Params, RpcResponse } from '../mcp/rpc.ts'
import type { Question } from './question.ts'

export interface PendingOptions {
  readonly id: number
  readonly exchange: Exchange
  readonly timeouts: Pick<Timeouts, 'request' | 'max'>
  /** Called once, when it was silent for too long or lasted too long. */
  readonly expired: (call: PendingCall, ms: number) => void
}

/** One request on its way: its two clocks, its progress token and the requests the server makes because of it. */
export class PendingCall {
  readonly id: number
  readonly exchange: Exchange
  /** The client's own progress token; the server sees our id in its place. */
  readonly token: Id | undefined
  readonly #answer: Deferred<RpcResponse> = defer()
  readonly #over = new AbortController()
  readonly #silence: NodeJS.Timeout | undefined
  readonly #max: NodeJS.Timeout | undefined
  /** Requests of the server that the client has not answered yet, by the server's id. */
  readonly asked = new Map<Id, Question>()
  /** Of the pages that the server has sent the client to because of this call. */
  readonly elicitations = new Set<unknown>()

  constructor({ id, exchange, timeouts, expired }: PendingOptions) {
    this.id = id
    this.exchange = exchange
    this.token = tokenOf(exchange.params)
    const { request, max } = timeouts
    if (request !== 'off') this.#silence = setTimeout(() => this.#silent(request, expired), request)
    if (max !== 'off') this.#max = setTimeout(() => expired(this, max), max)
  }

  get answer(): Promise<RpcResponse> {
    return this.#answer.promise
  }

  /** Aborted when the call is over, answered or not. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /** The parameters as the server sees them: the token is ours, since two clients may use the same one. */
  get params(): Params | undefined {
    const { params } = this.exchange
    if (this.token === undefined || !params) return params
    return withMeta(params, { progressToken: this.id })
  }

  /** A sign of life: the silence begins anew. */
  touch(): void {
    this.#silence?.refresh()
  }

  /** Whether its client has owed the server an answer for so many milliseconds. */
  isPaused(ms: number): boolean {
    for (const { since } of this.asked.values()) if (performance.now() - since >= ms) return true
    return false
  }

  settle(answer: RpcResponse): void {
    this.#stop(true)
    this.#answer.resolve(answer)
  }

  readonly fail = (error: Error): void => {
    this.#stop(false)
    this.#answer.reject(error)
  }

  /** Lets go of the answer's stream; for a call that failed without one. */
  readonly abandon = (): void => this.#over.abort()

  #stop(isAnswered: boolean): void {
    clearTimeout(this.#silence)
    clearTimeout(this.#max)
    for (const question of this.asked.values()) question.callEnded(isAnswered)
    this.asked.clear()
  }

  /** While a person thinks about the server's question, the server may be silent. */
  #silent(ms: number, expired: PendingOptions['expired']): void {
    if (this.asked.size > 0) this.touch()
    if (this.asked.size === 0) expired(this, ms)
  }
}

function tokenOf(params: Params | undefined): Id | undefined {
  const token = metaOf(params).progressToken
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}
