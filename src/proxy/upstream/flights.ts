import { Register } from '../../shared/register.ts'
import { type Id, isError, isRecord, isResponse, type RpcMessage, type RpcResponse } from '../mcp/rpc.ts'
import { isUnread } from '../mcp/written.ts'
import { Allowance } from './allowance.ts'
import { only } from './attribution.ts'
import { LinkFailure } from './failure.ts'
import { Ghosts } from './ghosts.ts'
import type { PendingCall } from './pending.ts'

/** Calls answered with a task whose progress is still listened to. */
const MAX_OUTLIVED = 256

/** The requests of one connection that wait for their answers, whoever made them, by the id we gave them. */
export class Flights {
  /** The clients'. */
  readonly calls = new Register<Id, PendingCall>()
  /** The proxy's own: nothing a server asks is ever attributed to them. */
  readonly own = new Register<Id, PendingCall>()
  /** From 1: some servers cannot cancel a request with the id 0. */
  #nextId = 1
  #dropped = 0
  #floods = 0
  readonly #flooded: () => void
  readonly #allowance = new Allowance()
  readonly ghosts = new Ghosts()
  /** Calls whose tasks go on: the progress of these comes under the call's token. */
  readonly #outlived = new Map<Id, PendingCall>()

  /** `flooded` is called once, when the first message is too many. */
  constructor(flooded: () => void = () => {}) {
    this.#flooded = flooded
  }

  /** Messages nobody waited for: unknown, duplicate or late ids, unknown tokens, things that are no messages. */
  get dropped(): number {
    return this.#dropped
  }

  mint(): number {
    return this.#nextId++
  }

  get(id: unknown): PendingCall | undefined {
    if (typeof id !== 'number') return undefined
    return this.calls.get(id) ?? this.own.get(id)
  }

  /** A call is answered. Where the answer is a task, its progress token stays valid (MCP: Tasks, Task Progress). */
  settled(call: PendingCall, answer: RpcResponse): void {
    if (call.token === undefined || isUnread(answer) || isError(answer) || !isRecord(answer.result.task)) return
    this.#outlived.set(call.id, call)
    const [oldest] = this.#outlived.keys()
    if (this.#outlived.size > MAX_OUTLIVED && oldest !== undefined) this.#outlived.delete(oldest)
  }

  /** The answered call that began the task this progress is of. */
  outlived(token: unknown): PendingCall | undefined {
    return this.#outlived.get(Number(token))
  }

  /** How many of them were too many: more than a server may say unasked. */
  get floods(): number {
    return this.#floods
  }

  drop(): void {
    this.#dropped++
  }

  /** Whether one more message that nobody asked for may be brought to anybody; else it is to be dropped. */
  admits(): boolean {
    const isAdmitted = this.#allowance.takes()
    if (!isAdmitted && this.#floods++ === 0) this.#flooded()
    return isAdmitted
  }

  /** Brings an answer to whoever waits for it. */
  answered(message: RpcMessage, origin: Id | undefined): void {
    // With a method and an id of a wrong type it is neither a request nor a notification.
    const call = isResponse(message) ? this.#find(message.id, origin) : undefined
    if (!call) this.ghosts.answered(message.id)
    if (!call || !isResponse(message)) this.#dropped++
    else if (!isUnread(message) && 'result' in message && !isRecord(message.result))
      this.#fail(call, 'the answer has no result')
    else call.settle(message)
  }

  /** Something that is no message, but says whose answer it should have been: that call must not hang. */
  malformed(value: unknown, origin: Id | undefined): void {
    const id = isRecord(value) && value.method === undefined ? value.id : undefined
    const call = id === undefined ? this.get(origin) : this.#find(id, origin)
    this.#fail(call, 'the answer is no JSON-RPC response')
  }

  spoiled(id: Id | undefined, reason: string): void {
    this.#fail(id === undefined ? only(this.calls) : this.get(id), reason)
  }

  failAll(error: Error): void {
    for (const call of [...this.calls.values(), ...this.own.values()]) {
      call.fail(error)
      call.abandon()
    }
  }

  /** Resolves when the clients' calls in flight are over. */
  async drained(): Promise<void> {
    await Promise.allSettled([...this.calls.values()].map((call) => call.answer))
  }

  #fail(call: PendingCall | undefined, reason: string): void {
    if (call) call.fail(new LinkFailure('broken', reason))
    else this.#dropped++
  }

  /** By id, also when the server made a string of it; an error without id belongs to the stream it came on. */
  #find(id: unknown, origin: Id | undefined): PendingCall | undefined {
    if (id === null || id === undefined) return this.get(origin) ?? only(this.calls)
    return this.get(typeof id === 'string' && /^\d+$/.test(id) ? Number(id) : id)
  }
}
