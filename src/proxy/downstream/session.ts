import { Register } from '../../shared/register.ts'
import type { Aborter } from '../../shared/signal.ts'
import type { Asking, Caller } from '../mcp/exchange.ts'
import { isAtLeast, type Level } from '../mcp/levels.ts'
import type { Id, RpcMessage, RpcNotification, RpcRequest, RpcResponse } from '../mcp/rpc.ts'
import type { Text } from '../mcp/text.ts'
import type { Asker, Listener } from './asker.ts'
import { type Outlet, Questions } from './questions.ts'
import type { SessionFacts } from './sealer.ts'

/** Where messages that belong to no request are written. What is away but may come back takes them, too. */
export interface SessionStream extends Outlet {
  /** Another process writes on it, and tells itself what belongs to no call. */
  readonly isElsewhere?: boolean
  /** Where answers may be among what another process has to say: of those none is skipped. */
  deliver?(body: Text): void
  end(): void
}

export interface SessionOptions {
  /** Whether an earlier process, or an earlier stay in memory, began the session. */
  readonly isResumed?: boolean
  /** Takes what the client says that concerns servers. */
  readonly tell?: ((session: Session, notification: RpcNotification) => void) | undefined
  /** Takes what can only be about something that another process has in flight. */
  readonly elsewhere?: ((session: Session, message: RpcMessage) => void) | undefined
}

/**
 * One downstream conversation of the legacy era. What must outlive this process is in its sealed id; the rest (calls
 * in flight, questions, the stream, the log level) lives here.
 */
export class Session implements Asker, Listener {
  readonly id: string
  readonly facts: SessionFacts
  /** What the client asked for and is being carried, so that it can be cancelled by its id. */
  readonly calls = new Register<Id, Aborter>()
  readonly #questions: Questions
  #lastSeen = performance.now()
  #stream: SessionStream | undefined
  /** The answers still open: ways to the client as good as its stream. */
  readonly #replies: Outlet[] = []
  readonly #tell: SessionOptions['tell']
  readonly #elsewhere: SessionOptions['elsewhere']
  #isResumed: boolean
  #level: Level | undefined
  /** This session as the servers it calls see it; another one with another level. */
  #caller: Caller

  constructor(id: string, facts: SessionFacts, { isResumed = false, tell, elsewhere }: SessionOptions = {}) {
    this.id = id
    this.facts = facts
    this.#isResumed = isResumed
    this.#tell = tell
    this.#elsewhere = elsewhere
    this.#caller = callerOf(facts, undefined)
    this.#questions = new Questions({ capabilities: facts.capabilities, stream: () => this.#outlet })
  }

  get server(): string | undefined {
    return this.facts.server
  }

  get session(): Session {
    return this
  }

  get caller(): Caller {
    return this.#caller
  }

  /** How many requests of the client are being answered. */
  get unanswered(): number {
    return this.#replies.length
  }

  get level(): Level | undefined {
    return this.#level
  }

  set level(level: Level | undefined) {
    this.#level = level
    this.#caller = callerOf(this.facts, level)
  }

  began(id: Id, call: Aborter): void {
    this.calls.set(id, call)
  }

  ended(id: Id, call: Aborter): void {
    if (this.calls.get(id) === call) this.calls.delete(id)
  }

  /** Whether an earlier process (or an earlier stay in memory) began this session; true only the first time asked. */
  takeResumed(): boolean {
    const isResumed = this.#isResumed
    this.#isResumed = false
    return isResumed
  }

  /** The stream for messages that belong to no request, while the client keeps one open. */
  get stream(): SessionStream | undefined {
    return this.#stream?.isOpen ? this.#stream : undefined
  }

  set stream(stream: SessionStream | undefined) {
    this.#stream = stream
  }

  get #outlet(): Outlet | undefined {
    if (this.stream) return this.stream
    for (const reply of this.#replies) if (reply.isOpen) return reply
    return undefined
  }

  /** While a request is being answered, what the servers have to ask can go out with the answer. */
  lend(reply: Outlet): void {
    this.#replies.push(reply)
  }

  /** It is answered. */
  reclaim(reply: Outlet): void {
    const at = this.#replies.indexOf(reply)
    if (at >= 0) this.#replies.splice(at, 1)
  }

  touch(): void {
    this.#lastSeen = performance.now()
  }

  /** Milliseconds since the client was last heard of; 0 while something of it is open. */
  idleFor(now: number): number {
    return this.stream || this.calls.size > 0 ? 0 : now - this.#lastSeen
  }

  /** Tells what concerns everybody who listens. */
  notify(notification: RpcNotification): void {
    if (this.#stream?.isElsewhere !== true) this.say(notification)
  }

  /** Tells what only this process knows. */
  say(notification: RpcNotification): void {
    this.#stream?.send(JSON.stringify(notification))
  }

  /** What another process has to say on the stream. */
  deliver(body: string): void {
    if (this.#stream?.deliver) this.#stream.deliver(body)
    else this.#stream?.send(body)
  }

  /** Whether a log message passes the level this client set; without one, `unset` decides. */
  wants({ params }: RpcNotification, unset: boolean): boolean {
    return this.level === undefined ? unset : isAtLeast(params?.level, this.level)
  }

  /** Puts a server's request to the client, on any way there is without an outlet; see `Questions.ask`. */
  ask(request: RpcRequest, outlet: Outlet | undefined, asking: Asking): Promise<RpcResponse> {
    return this.#questions.ask(request, outlet, asking)
  }

  /** A notification the client sent: about a call, about a question, or something for the servers. */
  heard(notification: RpcNotification): void {
    if (notification.method === 'notifications/cancelled') this.#cancelled(notification)
    else if (notification.method === 'notifications/progress') this.#progressed(notification)
    else if (notification.method !== 'notifications/initialized') this.#tell?.(this, notification)
  }

  #cancelled(notification: RpcNotification): void {
    const { requestId: id, reason } = notification.params ?? {}
    if (typeof id !== 'string' && typeof id !== 'number') return
    const call = this.calls.get(id)
    if (call) call.abort(typeof reason === 'string' ? reason : 'Cancelled by the client')
    else this.#elsewhere?.(this, notification)
  }

  #progressed(notification: RpcNotification): void {
    if (!this.#questions.progressed(notification)) this.#elsewhere?.(this, notification)
  }

  /** A response the client sent. */
  answer(response: RpcResponse): void {
    if (!this.#questions.answered(response)) this.#elsewhere?.(this, response)
  }

  /** Nobody is there any more: calls are cancelled, too. */
  close(reason: string): void {
    for (const call of this.calls.values()) call.abort(reason)
    this.hush(reason)
  }

  /** The client is asked and told nothing more: questions fail, the stream ends. */
  hush(reason: string): void {
    this.#questions.end(reason)
    this.#stream?.end()
  }
}

function callerOf({ sid, principal, capabilities, clientInfo }: SessionFacts, level: Level | undefined): Caller {
  return { era: 'legacy', principal, capabilities, clientInfo, level, session: sid }
}
