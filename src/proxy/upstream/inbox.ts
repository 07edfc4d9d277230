import type { Sink } from '../exchange.ts'
import {
  errorResponse,
  failureResponse,
  type Id,
  INTERNAL_ERROR,
  isError,
  isMessage,
  isNotification,
  isRecord,
  isRequest,
  isResponse,
  type Params,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../rpc.ts'
import { callsOf, listenerOf, only, relatedTask } from './attribution.ts'
import type { ConnectionEvents } from './connection.ts'
import { LinkFailure } from './failure.ts'
import type { PendingCall } from './pending.ts'
import { permitted } from './permission.ts'
import { Question } from './question.ts'

export interface InboxOptions {
  /** The clients' requests in flight, by our id. */
  readonly calls: ReadonlyMap<Id, PendingCall>
  /** The proxy's own requests: nothing a server asks is ever attributed to them. */
  readonly own: ReadonlyMap<Id, PendingCall>
  /** Batches exist in 2025-03-26 only. */
  readonly takesBatches: () => boolean
  readonly send: (message: RpcResponse | RpcNotification) => void
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
/** Calls answered with a task whose progress is still listened to. */
const MAX_OUTLIVED = 256
const LIST_CHANGED = /^notifications\/(tools|prompts|resources)\/list_changed$/

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
  /** Questions that belong to no call. */
  readonly #aside = new Map<Id, Question>()
  /** Calls whose tasks go on: the progress of these comes under the call's token. */
  readonly #outlived = new Map<Id, PendingCall>()
  #dropped = 0

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** Messages nobody waited for: unknown, duplicate or late ids, unknown tokens, things that are no messages. */
  get dropped(): number {
    return this.#dropped
  }

  received(value: unknown, origin: Id | undefined): void {
    if (!Array.isArray(value) || !this.#options.takesBatches()) {
      this.#one(value, origin)
      return
    }
    for (const one of value) this.#one(one, origin)
  }

  spoiled(id: Id | undefined, reason: string): void {
    this.#fail(id === undefined ? only(this.#options.calls) : this.#get(id), reason)
  }

  #one(value: unknown, origin: Id | undefined): void {
    if (!isMessage(value)) this.#malformed(value, origin)
    else if (isRequest(value)) void this.#requested(value, origin)
    else if (isNotification(value)) this.#notified(value, origin)
    else this.#answered(value, origin)
  }

  #answered(message: RpcMessage, origin: Id | undefined): void {
    // With a method and an id of a wrong type it is neither a request nor a notification.
    const call = isResponse(message) ? this.#find(message.id, origin) : undefined
    if (!call || !isResponse(message)) this.#dropped++
    else if ('result' in message && !isRecord(message.result)) this.#fail(call, 'the answer has no result')
    else call.settle(message)
  }

  /** Something that is no message, but says whose answer it should have been: that call must not hang. */
  #malformed(value: unknown, origin: Id | undefined): void {
    const id = isRecord(value) && value.method === undefined ? value.id : undefined
    const call = id === undefined ? this.#get(origin) : this.#find(id, origin)
    this.#fail(call, 'the answer is no JSON-RPC response')
  }

  #fail(call: PendingCall | undefined, reason: string): void {
    if (call) call.fail(new LinkFailure('broken', reason))
    else this.#dropped++
  }

  /** By id, also when the server made a string of it; an error without id belongs to the stream it came on. */
  #find(id: unknown, origin: Id | undefined): PendingCall | undefined {
    if (id === null || id === undefined) return this.#get(origin) ?? only(this.#options.calls)
    return this.#get(typeof id === 'string' && /^\d+$/.test(id) ? Number(id) : id)
  }

  #get(id: unknown): PendingCall | undefined {
    if (typeof id !== 'number') return undefined
    return this.#options.calls.get(id) ?? this.#options.own.get(id)
  }

  #notified(message: RpcNotification, origin: Id | undefined): void {
    const { calls, events } = this.#options
    if (LIST_CHANGED.test(message.method)) events.stale()
    else if (message.method === 'notifications/cancelled') this.#withdrawn(message.params?.requestId)
    else if (message.method === 'notifications/progress') this.#progressed(message, origin)
    else {
      const call = listenerOf(message, origin, calls)
      if (call) call.exchange.sink.notify(message)
      else events.notified(message)
    }
  }

  #progressed(message: RpcNotification, origin: Id | undefined): void {
    const call = listenerOf(message, origin, this.#options.calls) ?? this.#ofTask(message)
    call?.touch()
    if (call?.token === undefined) this.#dropped++
    else call.exchange.sink.notify({ ...message, params: { ...message.params, progressToken: call.token } })
  }

  #ofTask({ params }: RpcNotification): PendingCall | undefined {
    return this.#outlived.get(Number(params?.progressToken))
  }

  /** A call is answered. Where the answer is a task, its progress token stays valid (MCP: Tasks, Task Progress). */
  settled(call: PendingCall, answer: RpcResponse): void {
    if (call.token === undefined || isError(answer) || !isRecord(answer.result.task)) return
    this.#outlived.set(call.id, call)
    const [oldest] = this.#outlived.keys()
    if (this.#outlived.size > MAX_OUTLIVED && oldest !== undefined) this.#outlived.delete(oldest)
  }

  /** The server takes back a request that it made. */
  #withdrawn(id: unknown): void {
    if (typeof id !== 'string' && typeof id !== 'number') return
    this.#aside.get(id)?.withdraw()
    for (const call of this.#options.calls.values()) call.asked.get(id)?.withdraw()
  }

  async #requested(request: RpcRequest, origin: Id | undefined): Promise<void> {
    this.#options.send(await this.#answerTo(request, origin))
  }

  async #answerTo(request: RpcRequest, origin: Id | undefined): Promise<RpcResponse> {
    const { id, method } = request
    if (method === 'ping') return { jsonrpc: '2.0', id, result: {} }
    const { calls, client, declared, guessed } = this.#options
    try {
      const asked = permitted(request, declared)
      if (origin === undefined && relatedTask(request) === undefined) guessed()
      const candidates = callsOf(asked, origin, calls)
      // Where there is but one client it may as well ask for itself, not for any of its calls.
      const isFree = client !== undefined && origin === undefined
      const sink = candidates[0]?.exchange.sink ?? client
      if (sink) return await this.#ask(asked, { sink, calls: candidates, isFree })
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
    const progressed = (notification: RpcNotification): void => this.#options.send(notification)
    try {
      return { ...(await sink.request(request, { signal: question.signal, progressed })), id }
    } finally {
      for (const holder of holders) holder.delete(id)
      for (const call of calls) call.touch()
    }
  }

  /** The connection is over: nobody needs the answers any more. */
  close(): void {
    for (const question of this.#aside.values()) question.withdraw()
  }
}
