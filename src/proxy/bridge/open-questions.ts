import { type Deferred, defer } from '../../shared/async.ts'
import { INTERNAL_ERROR, type Params, RpcFailure, type RpcRequest, type RpcResponse } from '../mcp/rpc.ts'
import { toInputRequest } from './input-request.ts'

/** Results by the key of their question. */
export type Answers = Readonly<Record<string, Params>>

interface Question {
  readonly request: RpcRequest
  readonly answer: Deferred<RpcResponse>
}

/** What a legacy server asked in the middle of one call and the client has not answered yet, by key. */
export class OpenQuestions {
  readonly #open = new Map<string, Question>()
  #asked = 0

  get size(): number {
    return this.#open.size
  }

  /** All of them as the client gets them. */
  get inputRequests(): Params {
    return Object.fromEntries([...this.#open].map(([key, { request }]) => [key, toInputRequest(request)]))
  }

  /** Resolves with the client's answer. Rejects with RpcFailure when the server takes it back, or the call is over. */
  async put(request: RpcRequest, signal: AbortSignal): Promise<RpcResponse> {
    const key = `question-${++this.#asked}`
    const answer = defer<RpcResponse>()
    const withdraw = (): void => answer.reject(new RpcFailure(INTERNAL_ERROR, 'The request was cancelled'))
    signal.addEventListener('abort', withdraw, { once: true })
    this.#open.set(key, { request, answer })
    try {
      return await answer.promise
    } finally {
      signal.removeEventListener('abort', withdraw)
      this.#open.delete(key)
    }
  }

  /** An answer that no key fits is nobody's: the question was taken back, or answered before. */
  answer(answers: Answers): void {
    for (const [key, result] of Object.entries(answers)) {
      const question = this.#open.get(key)
      this.#open.delete(key)
      question?.answer.resolve({ jsonrpc: '2.0', id: question.request.id, result })
    }
  }

  close(): void {
    for (const { answer } of this.#open.values()) answer.reject(new RpcFailure(INTERNAL_ERROR, 'The call is over'))
  }
}
