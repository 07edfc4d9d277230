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

/** How long a request waits for the one connection while connecting, and how long for the second one. */
const SHARE_MS = 50
const STUCK_MS = 1000
/** A server that closes its last connection sooner gets no other one in its place. */
const REPLACED_MS = 3000

export interface ChannelsOptions extends PoolOptions {
  readonly Parser: NodeParserClass
}

/**
 * The connections to one server. While connecting there is one; from then on as many as there are requests at a time,
 * and a request takes whichever is free first, an old one or one that is being opened. Whoever calls bounds how many.
 */
export class Channels implements Pool, Carrier {
  readonly #options: ChannelsOptions
  readonly #dial: Dial
  readonly #heads: RequestHeads
  readonly #idle: Idle
  readonly #channels = new Set<Channel>()
  readonly #opening = new Set<Socket>()
  /** Requests for any connection; those for a new one. */
  readonly #waiting: Job[] = []
  readonly #streams: Job[] = []
  #isWide = false
  #isWarm = false
  #isClosed = false
  #usedAt = Number.NEGATIVE_INFINITY
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
    remove(this.#waiting, job)
    remove(this.#streams, job)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#calm()
    this.#idle[Symbol.dispose]()
    for (const job of [...this.#waiting.splice(0), ...this.#streams.splice(0)]) job.fail(closedByUs())
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

  /** Opens what is missing for those who wait. */
  #grow(): void {
    const wanted = this.#streams.length + (this.#isWide ? this.#waiting.length : this.#shared)
    for (let missing = wanted - this.#opening.size; missing > 0; missing--) this.#open()
    if (this.#isWide || this.#waiting.length === 0) return
    this.#impatience ??= setTimeout(() => this.#loseHeart(), this.#forCalls < 2 ? SHARE_MS : STUCK_MS)
  }

  /** Of connections that those who wait share while connecting, how many are to be opened at once. */
  get #shared(): number {
    return this.#waiting.length > 0 && this.#forCalls === 0 ? 1 : 0
  }

  get #forCalls(): number {
    let count = 0
    for (const { isStreaming } of this.#channels) if (!isStreaming) count++
    return count
  }

  /** Lists that take long, or a stream that goes on after its answer, are not waited for one after the other. */
  #loseHeart(): void {
    this.#impatience = undefined
    if (this.#waiting.length > 0 && this.#opening.size === 0) this.#open()
    this.#grow()
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
    if (!this.#isWide && this.#waiting.length === 0) this.#calm()
  }

  #give(channel: Channel, job: Job | undefined): void {
    if (job) channel.carry(job)
    else this.#idle.put(channel)
  }

  /** What was opened for somebody fails one who waits; while connecting, all, since they wait for the same. */
  #failed(socket: Socket, error: Error): void {
    this.#opening.delete(socket)
    if (this.#streams.length + this.#waiting.length <= this.#opening.size) return
    const failure = socketFailure(error)
    const stream = this.#streams.shift()
    const doomed = stream ? [stream] : this.#waiting.splice(0, this.#isWide ? 1 : this.#waiting.length)
    for (const job of doomed) job.fail(failure)
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

function remove(queue: Job[], job: Job): void {
  const at = queue.indexOf(job)
  if (at >= 0) queue.splice(at, 1)
}
