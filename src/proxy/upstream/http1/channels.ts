import type { Socket } from 'node:net'
import type { HttpRequest, Open, Pool, PoolOptions } from '../pool.ts'
import { closedByUs, socketFailure } from '../socket-failure.ts'
import { Channel } from './channel.ts'
import { Dial } from './dial.ts'
import { Idle } from './idle.ts'
import type { Intake } from './intake.ts'
import { type Carrier, Job } from './job.ts'
import type { NodeParserClass } from './node-parser.ts'
import { RequestHeads } from './request-heads.ts'
import { Waiting } from './waiting.ts'

/** How long a request waits for the one connection while connecting, and how long for the second one. */
const SHARE_MS = 50
const STUCK_MS = 1000
/** For how long a request waits for connections that others use: most answers are in sooner than a handshake is done. */
const PATIENCE_MS = 4
/** How many are opened in a row: handshakes take the processor from the answers that may spare the next ones. */
const BATCH = 16
const BATCH_MS = 1
/** How often a server is asked for more connections that has just refused one. */
const REFUSED_MS = 100
/** A server that closes its last connection sooner gets no other one in its place. */
const REPLACED_MS = 3000

export interface ChannelsOptions extends PoolOptions {
  readonly Parser: NodeParserClass
}

/**
 * The connections to one server. While connecting there is one; from then on as many as there are requests at a time
 * that others do not make room for within a few milliseconds. A request takes whichever is free first, an old one or
 * one that is being opened. Whoever calls bounds how many.
 */
export class Channels implements Pool, Carrier {
  readonly #options: ChannelsOptions
  readonly #dial: Dial
  readonly #heads: RequestHeads
  readonly #idle: Idle
  readonly #channels = new Set<Channel>()
  readonly #opening = new Set<Socket>()
  /** Requests for any connection; those for a new one. */
  readonly #waiting = new Waiting()
  readonly #streams = new Waiting()
  #isWide = false
  #isWarm = false
  #isClosed = false
  #usedAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  #impatience: NodeJS.Timeout | undefined

  constructor(options: ChannelsOptions) {
    this.#options = options
    this.#dial = new Dial(options)
    this.#heads = new RequestHeads(new URL(options.origin).host)
    this.#idle = new Idle(options.idle)
  }

  request(request: HttpRequest, open: Open): Promise<void> {
    return new Promise((resolve, reject) => {
      const head = this.#heads.of(request)
      this.#begin(new Job({ request, head, open, resolve, reject }))
    })
  }

  widen(): void {
    this.#isWide = true
    this.#calm()
    this.#grow()
  }

  warm(): void {
    if (this.#isWarm) return
    this.#isWarm = true
    for (let missing = this.#options.warm - this.#forCalls - this.#opening.size; missing > 0; missing--) this.#open()
  }

  /** A request that nobody waits for any more while it has no connection. */
  drop(job: Job): void {
    this.#waiting.remove(job)
    this.#streams.remove(job)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#calm()
    this.#idle[Symbol.dispose]()
    for (const job of [...this.#waiting.take(), ...this.#streams.take()]) job.fail(closedByUs())
    const closed = [...this.#opening].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of this.#opening) socket.destroy()
    for (const channel of this.#channels) channel.close(closedByUs())
    await Promise.all(closed)
  }

  #begin(job: Job): void {
    const { signal, isStream } = job.request
    if (this.#isClosed) job.fail(closedByUs())
    if (signal?.aborted) job.fail(signal.reason)
    if (job.isOver) return
    const channel = isStream ? undefined : this.#idle.take()
    if (channel) {
      channel.carry(job)
      return
    }
    const queue = isStream ? this.#streams : this.#waiting
    queue.push(job)
    job.carriedBy(this)
    this.#grow()
  }

  /** Opens what those who wait cannot do without; for what would only be sooner they wait a while. */
  #grow(): void {
    const wanted = this.#streams.size + (this.#waiting.size > 0 && !this.#isServing ? 1 : 0)
    for (let missing = wanted - this.#opening.size; missing > 0; missing--) this.#open()
    const isCovered = this.#streams.size + this.#waiting.size <= this.#opening.size
    if (!isCovered) this.#impatience ??= setTimeout(() => this.#loseHeart(), this.#patience)
  }

  /** Whether there is a connection for calls. */
  get #isServing(): boolean {
    for (const { isStreaming } of this.#channels) if (!isStreaming) return true
    return false
  }

  /** After how long it is to be looked again whether somebody waits too long. */
  get #patience(): number {
    if (performance.now() - this.#failedAt < STUCK_MS) return REFUSED_MS
    if (this.#isWide) return PATIENCE_MS
    return this.#forCalls < 2 ? SHARE_MS : STUCK_MS
  }

  get #forCalls(): number {
    let count = 0
    for (const { isStreaming } of this.#channels) if (!isStreaming) count++
    return count
  }

  #loseHeart(): void {
    this.#impatience = undefined
    if (this.#isWide) this.#hurry()
    // Lists that take long, or a stream that goes on after its answer, are not waited for one after the other.
    else if (this.#waiting.size > 0 && this.#opening.size === 0) this.#open()
    this.#grow()
  }

  /** Opens one for each that has waited too long; the rest soon after, or when it has. */
  #hurry(): void {
    const now = performance.now()
    const late = this.#waiting.countSince(now - PATIENCE_MS)
    const missing = this.#streams.size + late - this.#opening.size
    for (let left = Math.min(missing, BATCH); left > 0; left--) this.#open()
    const next = this.#waiting.since(late)
    const span = missing > BATCH ? BATCH_MS : next === undefined ? undefined : next + PATIENCE_MS - now
    if (span !== undefined) this.#impatience = setTimeout(() => this.#loseHeart(), span)
  }

  #calm(): void {
    clearTimeout(this.#impatience)
    this.#impatience = undefined
  }

  #open(): void {
    const socket = this.#dial.open({
      opened: (_socket, intake) => this.#opened(socket, intake),
      failed: (error) => this.#failed(socket, error),
    })
    this.#opening.add(socket)
  }

  #opened(socket: Socket, intake: Intake): void {
    this.#opening.delete(socket)
    const channel = new Channel({
      socket,
      intake,
      Parser: this.#options.Parser,
      events: { freed: (one) => this.#freed(one), ended: (one, wasIdle) => this.#ended(one, wasIdle) },
    })
    this.#channels.add(channel)
    this.#give(channel, this.#streams.shift() ?? this.#waiting.shift())
    this.#grow()
  }

  #freed(channel: Channel): void {
    this.#usedAt = performance.now()
    this.#give(channel, this.#waiting.shift())
    if (!this.#isWide && this.#waiting.size === 0) this.#calm()
  }

  #give(channel: Channel, job: Job | undefined): void {
    if (job) channel.carry(job)
    else this.#idle.put(channel)
  }

  /**
   * What was opened for somebody fails one who waits; while connecting, all, since they wait for the same. Where there
   * are other connections, they may still be answered on those, and only who has waited for long fails.
   */
  #failed(socket: Socket, error: Error): void {
    this.#opening.delete(socket)
    this.#failedAt = performance.now()
    const failure = socketFailure(error)
    const isCovered = this.#streams.size + this.#waiting.size <= this.#opening.size
    const stream = isCovered ? undefined : this.#streams.shift()
    if (stream) stream.fail(failure)
    else if (!isCovered) for (const job of this.#waiting.take(this.#doomed)) job.fail(failure)
    this.#grow()
  }

  /** How many of those who wait fail with an attempt to connect. */
  get #doomed(): number {
    const failing = this.#isServing ? this.#waiting.countSince(this.#failedAt - STUCK_MS) : this.#waiting.size
    return this.#isWide ? Math.min(failing, 1) : failing
  }

  #ended(channel: Channel, wasIdle: boolean): void {
    this.#channels.delete(channel)
    this.#idle.remove(channel)
    if (this.#isClosed) return
    this.#grow()
    if (wasIdle && this.#isMissed(channel)) this.#open()
  }

  /** Whether another one is to take its place, so that the next call finds one: the last one, of a server in use. */
  #isMissed({ openedAt }: Channel): boolean {
    if (!this.#isWide || this.#forCalls + this.#opening.size > 0) return false
    const now = performance.now()
    return now - this.#usedAt < this.#options.idle && now - openedAt >= REPLACED_MS
  }
}
