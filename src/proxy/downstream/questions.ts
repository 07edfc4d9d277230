import { randomBytes } from 'node:crypto'
import { type Deferred, defer } from '../../shared/async.ts'
import { checkCapability } from '../mcp/capability.ts'
import type { Asking } from '../mcp/exchange.ts'
import { metaOf, withMeta } from '../mcp/meta.ts'
import {
  INTERNAL_ERROR,
  type Params,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import type { Text } from '../mcp/text.ts'

/** Somewhere a message for the client can be written: the answer to a POST, or the session's own stream. */
export interface Outlet {
  readonly isOpen: boolean
  send(body: Text): boolean
}

/** Questions of servers that may wait for one client at the same time. */
const MOST = 64

/** A server's request the client has not answered yet. */
interface Question {
  readonly answer: Deferred<RpcResponse>
  /** The server's own progress token; the client sees the question's id in its place, since two servers may choose the same. */
  readonly token: unknown
  readonly progressed: Asking['progressed']
}

export interface QuestionsOptions {
  /** What the client declared in `initialize`. */
  readonly capabilities: Params
  /** Another way to the client: the session's own stream, or the answer to any of its requests. */
  readonly stream: () => Outlet | undefined
}

/** The requests that servers put to the client of one session, until it has answered them. */
export class Questions {
  readonly #options: QuestionsOptions
  readonly #open = new Map<string, Question>()
  /** Distinguishes this process's questions from those an earlier one asked in the same session. */
  readonly #mark = randomBytes(4).toString('hex')
  #asked = 0

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /**
   * Puts a server's request to the client, on the outlet of the exchange it belongs to or, when that is closed, on the
   * session's stream. Rejects with RpcFailure when the client cannot be asked, and when the signal aborts.
   */
  async ask(request: RpcRequest, outlet: Outlet | undefined, asking: Asking): Promise<RpcResponse> {
    const open = outlet?.isOpen ? outlet : this.#options.stream()
    checkCapability(request, this.#options.capabilities)
    if (!open) throw new RpcFailure(INTERNAL_ERROR, 'The client is not connected')
    if (this.#open.size >= MOST) throw new RpcFailure(INTERNAL_ERROR, 'Too many requests wait for the client')
    return this.#put(request, open, asking)
  }

  async #put(request: RpcRequest, outlet: Outlet, { signal, progressed }: Asking): Promise<RpcResponse> {
    const id = `${this.#mark}-${++this.#asked}`
    const answer = defer<RpcResponse>()
    const withdraw = () => {
      const params = { requestId: id, reason: 'The server no longer needs the answer' }
      const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
      if (!outlet.send(body)) this.#options.stream()?.send(body)
      answer.reject(new RpcFailure(INTERNAL_ERROR, 'The request was cancelled'))
    }
    this.#open.set(id, { answer, token: tokenOf(request), progressed })
    signal.addEventListener('abort', withdraw, { once: true })
    try {
      if (!outlet.send(JSON.stringify({ ...withToken(request, id), id })))
        throw new RpcFailure(INTERNAL_ERROR, 'The client is not connected')
      return await answer.promise
    } finally {
      signal.removeEventListener('abort', withdraw)
      this.#open.delete(id)
    }
  }

  /** A response the client sent; returns whether anybody waits for it here: else it is late or foreign. */
  answered(response: RpcResponse): boolean {
    const question = typeof response.id === 'string' ? this.#open.get(response.id) : undefined
    question?.answer.resolve(response)
    return question !== undefined
  }

  /** The client's progress on a question, under the server's own token; returns whether there is such a question. */
  progressed(notification: RpcNotification): boolean {
    const { params } = notification
    const question = this.#open.get(String(params?.progressToken))
    if (question?.token !== undefined)
      question.progressed({ ...notification, params: { ...params, progressToken: question.token } })
    return question !== undefined
  }

  /** Nobody will answer any more. */
  end(reason: string): void {
    for (const { answer } of this.#open.values()) answer.reject(new RpcFailure(INTERNAL_ERROR, reason))
  }
}

function tokenOf({ params }: RpcRequest): unknown {
  return metaOf(params).progressToken
}

function withToken(request: RpcRequest, token: string): RpcRequest {
  if (tokenOf(request) === undefined) return request
  return { ...request, params: withMeta(request.params, { progressToken: token }) }
}
