import type { BodyReader, Head, HttpRequest, Open } from '../pool.ts'
import type { RequestHead } from './request-heads.ts'

/** Who has a job in hand, and lets go of it when nobody wants it any more. */
export interface Carrier {
  drop(job: Job): void
}

export interface JobOptions {
  readonly request: HttpRequest
  readonly head: RequestHead
  readonly open: Open
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

const once = { once: true } as const

/** One request from the moment it is made to the end of its response. It ends once. */
export class Job {
  readonly request: HttpRequest
  /** How it begins on the wire. */
  readonly head: RequestHead
  readonly #options: JobOptions
  #carrier: Carrier | undefined
  #reader: BodyReader | undefined
  #isOver = false

  constructor(options: JobOptions) {
    this.request = options.request
    this.head = options.head
    this.#options = options
    options.request.signal?.addEventListener('abort', this, once)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  carriedBy(carrier: Carrier): void {
    this.#carrier = carrier
  }

  answered(head: Head): void {
    this.#read(() => {
      this.#reader = this.#options.open(head, (reason) => this.#giveUp(reason))
    })
  }

  body(bytes: Buffer): void {
    this.#read(() => this.#reader?.chunk(bytes))
  }

  complete(): void {
    this.#read(() => this.#reader?.end())
    if (this.#end()) this.#options.resolve()
  }

  fail(reason: unknown): void {
    if (this.#end()) this.#options.reject(reason)
  }

  /** The signal aborted. */
  handleEvent(): void {
    this.#giveUp(this.request.signal?.reason)
  }

  #read(step: () => void): void {
    if (this.#isOver) return
    try {
      step()
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #giveUp(reason: unknown): void {
    if (this.#isOver) return
    this.fail(reason)
    this.#carrier?.drop(this)
  }

  /** Whether it had not ended before. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.request.signal?.removeEventListener('abort', this)
    return true
  }
}
