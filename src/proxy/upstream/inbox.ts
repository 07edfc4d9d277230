import { nestsTooDeep } from '../mcp/depth.ts'
import type { Sink } from '../mcp/exchange.ts'
import {
  errorResponse,
  failureResponse,
  type Id,
  INTERNAL_ERROR,
  isMessage,
  isNotification,
  isRequest,
  type Params,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import { callsOf, listenerOf, relatedTask } from './attribution.ts'
import type { ConnectionEvents } from './connection.ts'
import type { Flights } from './flights.ts'
import { isListChange } from './listing.ts'
import type { PendingCall } from './pending.ts'
import { permitted } from './permission.ts'
import { Question } from './question.ts'

export interface InboxOptions {
  readonly flights: Flights
  /** Batches exist in 2025-03-26 only. */
  readonly takesBatches: () => boolean
  /** Resolves when the server has it, or it is known that it will not; never rejects. */
  readonly send: (message: RpcResponse | RpcNotification) => Promise<unknown>
  /** What the server was told its client can do. */
  readonly declared: Params
  /** Who is asked what the server asks outside of any call; undefined when there is no such client. */
  readonly client: Sink | undefined
  /** The server asked, and nothing but what was in flight said whom. */
  readonly guessed: () => void
  readonly events: Pick<ConnectionEvents, 'notified' | 'stale'>
}

/** Questions of the server that one call may leave open. */
const MAX_ASKED = 64

/** How long a question waits for what may make it certain whose it is. */
const SEE_OFF_MS = 500

/** Whom a question is for. */
interface Addressee {
  readonly sink: Sink
  /** Those it can belong to. */
  readonly calls: readonly PendingCall[]
  /** It may belong to none of them. */
  readonly isFree: boolean
}

/** Brings everything a legacy server says to whom it is for. What is for nobody is dropped and counted. */
export class Inbox {
  readonly #options: InboxOptions
  /** Questions that belong to no call, or may not. */
  readonly #aside = new Map<Id, Question>()

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
    // A change that went unheard would stay unheard; all else there may be too much of.
    if (isListChange(message.method)) events.stale()
    else if (!flights.admits() || nestsTooDeep(message)) flights.drop()
    else if (message.method === 'notifications/cancelled') this.#withdrawn(message.params?.requestId)
    else if (message.method === 'notifications/progress') this.#progressed(message, origin)
    else {
      const call = listenerOf(message, origin, flights.calls)
      if (call) call.exchange.sink.notify(message)
      else events.notified(message)
    }
  }

  #progressed(message: RpcNotification, origin: Id | undefined): void {
    const { flights } = this.#options
    const call = listenerOf(message, origin, flights.calls) ?? flights.outlived(message.params?.progressToken)
    call?.touch()
    if (call?.token === undefined) flights.drop()
    else call.exchange.sink.notify({ ...message, params: { ...message.params, progressToken: call.token } })
  }

  /** The server takes back a request that it made. */
  #withdrawn(id: unknown): void {
    if (typeof id !== 'string' && typeof id !== 'number') return
    this.#aside.get(id)?.withdraw()
    for (const call of this.#options.flights.calls.values()) call.asked.get(id)?.withdraw()
  }

  async #requested(request: RpcRequest, origin: Id | undefined): Promise<void> {
    await this.#options.send(await this.#answerTo(request, origin))
  }

  async #answerTo(request: RpcRequest, origin: Id | undefined): Promise<RpcResponse> {
    const { id, method } = request
    if (method === 'ping') return { jsonrpc: '2.0', id, result: {} }
    const { flights, client, declared, guessed } = this.#options
    try {
      const asked = permitted(request, declared)
      const isAside = origin === undefined && relatedTask(request) === undefined
      if (isAside) guessed()
      // Its answer to a ping may come right behind its question.
      if (isAside && flights.ghosts.haunt(callsOf(asked, origin, flights.calls)))
        await flights.ghosts.seenOff(SEE_OFF_MS)
      const likely = callsOf(asked, origin, flights.calls)
      // What roots there are a server may ask at any time.
      if (isAside && flights.calls.size === 0 && method !== 'roots/list') flights.ghosts.stirred()
      const calls = isAside && flights.ghosts.haunt(likely) ? [] : likely
      // Where there is but one client it may as well ask for itself, not for any of its calls.
      const isFree = client !== undefined && (origin === undefined || calls.length === 0)
      const sink = calls[0]?.exchange.sink ?? client
      if (sink) return await this.#ask(asked, { sink, calls, isFree })
      return errorResponse(id, INTERNAL_ERROR, 'No client this request certainly belongs to')
    } catch (error) {
      return failureResponse(id, error)
    }
  }

  async #ask(request: RpcRequest, { sink, calls, isFree }: Addressee): Promise<RpcResponse> {
    const { id } = request
    const holders = [...calls.map(({ asked }) => asked), ...(isFree ? [this.#aside] : [])]
    if (holders.some(({ size }) => size >= MAX_ASKED))
      return errorResponse(id, INTERNAL_ERROR, 'Too many questions at once')
    const question = new Question(calls.length, isFree)
    for (const holder of holders) holder.set(id, question)
    for (const call of calls) noteElicitation(call, request)
    // Each message is a POST of its own: only one after the other do they arrive in the order the client had.
    let told: Promise<unknown> = Promise.resolve()
    const progressed = (notification: RpcNotification): void => {
      told = told.then(() => this.#options.send(notification))
    }
    try {
      return { ...(await sink.request(request, { signal: question.signal, progressed })), id }
    } finally {
      await told
      for (const holder of holders) holder.delete(id)
      for (const call of calls) call.touch()
    }
  }

  /** The connection is over: nobody needs the answers any more. */
  close(): void {
    for (const question of this.#aside.values()) question.withdraw()
  }
}

function noteElicitation({ elicitations }: PendingCall, { method, params }: RpcRequest): void {
  const elicitation = method === 'elicitation/create' ? params?.elicitationId : undefined
  if (elicitation !== undefined && elicitations.size < MAX_ASKED) elicitations.add(elicitation)
}
