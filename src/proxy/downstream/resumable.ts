import type { ServerResponse } from 'node:http'
import { type Text, whole } from '../mcp/text.ts'
import type { ResumableState } from '../succession/word.ts'
import type { Pulse } from './pulse.ts'
import type { Outgoing, Released } from './released.ts'
import { bytesOf, RING_BYTES, Ring } from './ring.ts'
import { EventStream } from './stream.ts'

/** The pause a client is asked for before it comes back, when nobody else has a wish. */
const RETRY = 1000
/** How long what a client missed waits for it. */
const GRACE = 60_000

export interface ResumableOptions {
  /** Unique within the session, over all processes that ever serve it: the first part of every event id. */
  readonly name: string
  /** The session's own stream, which has no end of its own; else the answer to one POST. */
  readonly isStandalone: boolean
  /** Whether the client takes events without data: SDKs made for revisions before 2025-11-25 choke on them. */
  readonly canPrime: boolean
  readonly pulse: Pulse
  /** As another process left it. */
  readonly state?: ResumableState | undefined
  /** The bytes kept became more or less. */
  readonly charge: (bytes: number) => void
  /** Called once, when nothing more will be sent. */
  readonly finished: (stream: ResumableStream) => void
}

/**
 * One stream of a session that may outlive its connection: every event has an id, the newest ones are kept, and a
 * client that lost the connection gets what it missed on the next one. (MCP 2025-11-25: Resumability and Redelivery.)
 */
export class ResumableStream {
  readonly #options: ResumableOptions
  readonly #ring = new Ring()
  #connection: EventStream | undefined
  #seq = 0
  /** Whether the client knows an id to come back with. */
  #isKnown = false
  #isFinished = false
  #isUnread = false
  #grace = GRACE
  /** When it was finished or the connection was lost, in monotonic milliseconds. */
  #since = performance.now()

  constructor(options: ResumableOptions) {
    this.#options = options
    if (options.state) this.#restore(options.state)
  }

  get name(): string {
    return this.#options.name
  }

  get isStandalone(): boolean {
    return this.#options.isStandalone
  }

  get isFinished(): boolean {
    return this.#isFinished
  }

  /** Whether a client is connected. */
  get isOpen(): boolean {
    return this.#connection?.isOpen === true
  }

  /** Whether the client is away but may come back for what is sent meanwhile. */
  get isAwaited(): boolean {
    return !this.isOpen && !this.#isFinished && this.#isKnown
  }

  /** Whether nobody was connected when it came to its end: what it said last may still be fetched. */
  get isUnread(): boolean {
    return this.#isUnread
  }

  get backlog(): number {
    return this.isOpen ? (this.#connection?.backlog ?? 0) : 0
  }

  /** The first connection. */
  open(response: ServerResponse): void {
    const connection = this.#connect(response)
    if (!this.#options.canPrime) return
    connection.announce({ id: this.#id(0), retry: RETRY, data: '' })
    this.#isKnown = true
  }

  /** Whether this place was ever reached. */
  has(seq: number): boolean {
    return seq <= this.#seq
  }

  /** Whether nothing follows this place and nothing ever will. */
  isOverAfter(seq: number): boolean {
    return this.#isFinished && this.#ring.after(seq).length === 0
  }

  /** Goes on after `seq` on another connection; an earlier one that seems alive still is not, for the client. */
  resume(response: ServerResponse | Outgoing, seq: number): void {
    this.#connection?.end()
    const connection = this.#connect(response)
    this.#grace = GRACE
    // All of it was bounded when it was kept.
    for (const kept of this.#ring.after(seq)) connection.send(kept.body, { id: this.#id(kept.seq), limit: Infinity })
    if (this.#isFinished) connection.end()
  }

  /** Returns whether it was sent, or kept for a client that may come back. */
  send(body: Text): boolean {
    if (this.#isFinished) return false
    const id = this.#keep(body, false)
    const isSent = this.#connection?.send(body, { id }) === true
    if (isSent) this.#isKnown = true
    return isSent || this.isAwaited
  }

  finish(body: Text): void {
    if (this.#isFinished) return
    const id = this.#keep(body, true)
    this.#connection?.finish(body, id)
    this.end()
  }

  end(): void {
    const isUnread = !this.#connection
    this.#connection?.end()
    if (this.#isFinished) return
    this.#isUnread = isUnread
    this.#isFinished = true
    this.#since = performance.now()
    this.#options.finished(this)
  }

  /** Ends the connection, not the stream: the client comes back for the rest, `retry` milliseconds later. */
  part(retry = RETRY): void {
    if (!this.#options.canPrime || this.#isFinished) return
    this.#grace = GRACE + retry
    this.#connection?.announce({ retry })
    this.#connection?.end()
  }

  /** Whether nobody came back in time. `now` in monotonic milliseconds. */
  isLost(now: number): boolean {
    return this.#connection === undefined && now - this.#since > this.#grace
  }

  /** As another process goes on with it. */
  get state(): ResumableState {
    const { name, isStandalone, isFinished } = this
    const kept = this.#ring.after(0).map(({ seq, body }) => ({ seq, body: whole(body) }))
    return { name, isStandalone, isFinished, isKnown: this.#isKnown, seq: this.#seq, kept }
  }

  #restore({ seq, isKnown, isFinished, kept }: ResumableState): void {
    this.#seq = seq
    this.#isKnown = isKnown
    this.#isFinished = isFinished
    this.#isUnread = isFinished
    for (const { seq, body } of kept) this.#ring.push({ seq, body, bytes: bytesOf(body) })
    this.#options.charge(this.#ring.bytes)
  }

  /** See `EventStream`: another process goes on with it. */
  release(): Released | undefined {
    return this.#connection?.release()
  }

  /** Lets go of what was kept; what a connected client gets from now on is not concerned. */
  forget(): void {
    this.#options.charge(-this.#ring.bytes)
    this.#ring.clear()
  }

  #connect(response: ServerResponse | Outgoing): EventStream {
    const connection = new EventStream(response, this.#options.pulse)
    response.once('close', () => this.#left(connection))
    this.#connection = connection
    return connection
  }

  #left(connection: EventStream): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#since = performance.now()
  }

  /** A message larger than the ring is not kept, but for the response to a client that is away: else it never came. */
  #keep(body: Text, isResponse: boolean): string {
    const bytes = bytesOf(body)
    const seq = ++this.#seq
    const before = this.#ring.bytes
    const fits = bytes <= RING_BYTES || (isResponse && !this.isOpen)
    if (fits && (this.isOpen || this.isAwaited)) this.#ring.push({ seq, body, bytes })
    this.#options.charge(this.#ring.bytes - before)
    return this.#id(seq)
  }

  #id(seq: number): string {
    return `${this.#options.name}:${seq}`
  }
}
