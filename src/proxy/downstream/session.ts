import { randomBytes } from 'node:crypto'
import { type Deferred, defer } from '../../shared/async.ts'
import type { Asking } from '../exchange.ts'
import { isAtLeast, type Level } from '../levels.ts'
import {
  type Id,
  INVALID_PARAMS,
  isRecord,
  METHOD_NOT_FOUND,
  type Params,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../rpc.ts'
import type { SessionFacts } from './sealer.ts'
import type { Body, EventStream } from './stream.ts'

/** Somewhere a message for the client can be written: the answer to a POST, or the session's own stream. */
export interface Outlet {
  readonly isOpen: boolean
  send(body: Body): boolean
}

/** The client capability without which a server's request of that method must not be sent. */
const needed: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
}

/** Questions of servers that may wait for one client at the same time. */
const MOST_QUESTIONS = 64

/**
 * One downstream conversation of the legacy era. What must outlive this process is in its sealed id; the rest (calls
 * in flight, questions, the stream, the log level) lives here.
 */
export class Session {
  readonly id: string
  readonly facts: SessionFacts
  /** What the client asked for and is being carried, so that it can be cancelled by its id. */
  readonly calls = new Map<Id, AbortController>()
  readonly #questions = new Map<string, Question>()
  /** Distinguishes this process's questions from those an earlier one asked in the same session. */
  readonly #mark = randomBytes(4).toString('hex')
  #asked = 0
  #lastSeen = performance.now()
  #stream: EventStream | undefined
  #isResumed: boolean
  level: Level | undefined

  constructor(id: string, facts: SessionFacts, isResumed = false) {
    this.id = id
    this.facts = facts
    this.#isResumed = isResumed
  }

  /** Whether an earlier process (or an earlier stay in memory) began this session; true only the first time asked. */
  takeResumed(): boolean {
    const isResumed = this.#isResumed
    this.#isResumed = false
    return isResumed
  }

  /** The stream for messages that belong to no request, while the client keeps one open. */
  get stream(): EventStream | undefined {
    return this.#stream?.isOpen ? this.#stream : undefined
  }

  set stream(stream: EventStream | undefined) {
    this.#stream = stream
  }

  touch(): void {
    this.#lastSeen = performance.now()
  }

  /** Milliseconds since the client was last heard of; 0 while something of it is open. */
  idleFor(now: number): number {
    return this.stream || this.calls.size > 0 ? 0 : now - this.#lastSeen
  }

  notify(notification: RpcNotification): void {
    this.stream?.send(JSON.stringify(notification))
  }

  /** Whether a log message passes the level this client set; without one, `unset` decides. */
  wants({ params }: RpcNotification, unset: boolean): boolean {
    return this.level === undefined ? unset : isAtLeast(params?.level, this.level)
  }

  /**
   * Puts a server's request to the client, on the outlet of the exchange it belongs to or, when that is closed, on the
   * session's stream. Rejects with RpcFailure when the client cannot be asked, and when the signal aborts.
   */
  async ask(request: RpcRequest, outlet: Outlet, asking: Asking): Promise<RpcResponse> {
    const open = outlet.isOpen ? outlet : this.stream
    checkCapability(request, this.facts.capabilities)
    if (!open) throw new RpcFailure(-32603, 'The client is not connected')
    if (this.#questions.size >= MOST_QUESTIONS) throw new RpcFailure(-32603, 'Too many requests wait for the client')
    return this.#question(request, open, asking)
  }

  async #question(request: RpcRequest, outlet: Outlet, { signal, progressed }: Asking): Promise<RpcResponse> {
    const id = `${this.#mark}-${++this.#asked}`
    const answer = defer<RpcResponse>()
    const withdraw = () => {
      const params = { requestId: id, reason: 'The server no longer needs the answer' }
      const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
      if (!outlet.send(body)) this.stream?.send(body)
      answer.reject(new RpcFailure(-32603, 'The request was cancelled'))
    }
    this.#questions.set(id, { answer, token: tokenOf(request), progressed })
    signal.addEventListener('abort', withdraw, { once: true })
    try {
      if (!outlet.send(JSON.stringify({ ...withToken(request, id), id })))
        throw new RpcFailure(-32603, 'The client is not connected')
      return await answer.promise
    } finally {
      signal.removeEventListener('abort', withdraw)
      this.#questions.delete(id)
    }
  }

  /** A notification the client sent: only what is about a call or a question concerns anybody here. */
  heard(notification: RpcNotification): void {
    if (notification.method === 'notifications/cancelled') this.#cancelled(notification.params)
    else if (notification.method === 'notifications/progress') this.#progressed(notification)
  }

  #cancelled(params: Params | undefined): void {
    const id = params?.requestId
    if (typeof id !== 'string' && typeof id !== 'number') return
    this.calls.get(id)?.abort(typeof params?.reason === 'string' ? params.reason : 'Cancelled by the client')
  }

  #progressed(notification: RpcNotification): void {
    const { params } = notification
    const question = this.#questions.get(String(params?.progressToken))
    if (question?.token === undefined) return
    question.progressed({ ...notification, params: { ...params, progressToken: question.token } })
  }

  /** A response the client sent; one that nobody waits for is late or foreign, and is dropped. */
  answer(response: RpcResponse): void {
    if (typeof response.id === 'string') this.#questions.get(response.id)?.answer.resolve(response)
  }

  /** Nobody is there any more: calls are cancelled, too. */
  close(reason: string): void {
    for (const call of this.calls.values()) call.abort(reason)
    this.hush(reason)
  }

  /** The client is asked and told nothing more: questions fail, the stream ends. */
  hush(reason: string): void {
    for (const { answer } of this.#questions.values()) answer.reject(new RpcFailure(-32603, reason))
    this.#stream?.end()
  }
}

/** A server's request the client has not answered yet. */
interface Question {
  readonly answer: Deferred<RpcResponse>
  /** The server's own progress token; the client sees the question's id in its place, since two servers may choose the same. */
  readonly token: unknown
  readonly progressed: Asking['progressed']
}

/** Servers are told of every capability there may be: what this very client cannot do is refused here. */
function checkCapability({ method, params }: RpcRequest, capabilities: Params): void {
  const name = needed[method]
  if (name === undefined) return
  const declared = capabilities[name]
  if (!isRecord(declared)) throw new RpcFailure(METHOD_NOT_FOUND, `The client has not declared the capability ${name}`)
  if (method === 'elicitation/create' && !isModeKnown(params?.mode ?? 'form', declared))
    throw new RpcFailure(INVALID_PARAMS, `The client has not declared the elicitation mode ${String(params?.mode)}`)
}

/** An empty capability means forms, as before there were modes (MCP: Client, Elicitation). */
function isModeKnown(mode: unknown, declared: Params): boolean {
  return isRecord(declared[String(mode)]) || (mode === 'form' && declared.url === undefined)
}

function tokenOf({ params }: RpcRequest): unknown {
  return isRecord(params?._meta) ? params._meta.progressToken : undefined
}

function withToken(request: RpcRequest, token: string): RpcRequest {
  const meta = request.params?._meta
  if (!isRecord(meta) || meta.progressToken === undefined) return request
  return { ...request, params: { ...request.params, _meta: { ...meta, progressToken: token } } }
}
