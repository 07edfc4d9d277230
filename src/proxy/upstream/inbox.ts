import {
  errorResponse,
  failureResponse,
  type Id,
  INTERNAL_ERROR,
  isMessage,
  isNotification,
  isRequest,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../rpc.ts'
import { callOf, listenerOf } from './attribution.ts'
import type { ConnectionEvents } from './connection.ts'
import type { Flights } from './flights.ts'

export interface InboxOptions {
  readonly flights: Flights
  /** Batches exist in 2025-03-26 only. */
  readonly takesBatches: () => boolean
  /** Resolves when the server has it, or it is known that it will not; never rejects. */
  readonly send: (message: RpcResponse | RpcNotification) => Promise<void>
  readonly events: Pick<ConnectionEvents, 'notified' | 'stale'>
}

/** Questions of the server that one call may leave open. */
const MAX_ASKED = 64
const LIST_CHANGED = /^notifications\/(tools|prompts|resources)\/list_changed$/

/** Brings everything a legacy server says to whom it is for. What is for nobody is dropped and counted. */
export class Inbox {
  readonly #options: InboxOptions

  constructor(options: InboxOptions) {
    this.#options = options
  }

  received(value: unknown, origin: Id | undefined): void {
    if (!Array.isArray(value) || !this.#options.takesBatches()) {
      this.#one(value, origin)
      return
    }
    for (const one of value) this.#one(one, origin)
  }

  #one(value: unknown, origin: Id | undefined): void {
    if (!isMessage(value)) this.#options.flights.malformed(value, origin)
    else if (isRequest(value)) void this.#requested(value, origin)
    else if (isNotification(value)) this.#notified(value, origin)
    else this.#options.flights.answered(value, origin)
  }

  #notified(message: RpcNotification, origin: Id | undefined): void {
    const { flights, events } = this.#options
    if (LIST_CHANGED.test(message.method)) events.stale()
    else if (message.method === 'notifications/cancelled') this.#withdrawn(message.params?.requestId)
    else if (message.method === 'notifications/progress') this.#progressed(message, origin)
    else {
      const call = listenerOf(message, origin, flights.calls)
      if (call) call.exchange.sink.notify(message)
      else events.notified(message)
    }
  }

  #progressed(message: RpcNotification, origin: Id | undefined): void {
    const call = listenerOf(message, origin, this.#options.flights.calls)
    call?.touch()
    if (call?.token === undefined) this.#options.flights.drop()
    else call.exchange.sink.notify({ ...message, params: { ...message.params, progressToken: call.token } })
  }

  /** The server takes back a request that it made. */
  #withdrawn(id: unknown): void {
    if (typeof id !== 'string' && typeof id !== 'number') return
    for (const call of this.#options.flights.calls.values()) call.asked.get(id)?.abort()
  }

  async #requested(request: RpcRequest, origin: Id | undefined): Promise<void> {
    await this.#options.send(await this.#answerTo(request, origin))
  }

  async #answerTo(request: RpcRequest, origin: Id | undefined): Promise<RpcResponse> {
    const { id, method } = request
    if (method === 'ping') return { jsonrpc: '2.0', id, result: {} }
    const call = callOf(request, origin, this.#options.flights.calls)
    if (!call) return errorResponse(id, INTERNAL_ERROR, 'No client this request certainly belongs to')
    if (call.asked.size >= MAX_ASKED) return errorResponse(id, INTERNAL_ERROR, 'Too many questions at once')
    const withdrawn = new AbortController()
    call.asked.set(id, withdrawn)
    const elicitation = method === 'elicitation/create' ? request.params?.elicitationId : undefined
    if (elicitation !== undefined && call.elicitations.size < MAX_ASKED) call.elicitations.add(elicitation)
    // Each message is a POST of its own: only one after the other do they arrive in the order the client had.
    let told = Promise.resolve()
    const progressed = (notification: RpcNotification): void => {
      told = told.then(() => this.#options.send(notification))
    }
    try {
      return { ...(await call.exchange.sink.request(request, { signal: withdrawn.signal, progressed })), id }
    } catch (error) {
      return failureResponse(id, error)
    } finally {
      await told
      call.asked.delete(id)
      call.touch()
    }
  }
}
