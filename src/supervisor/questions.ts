import type { FromProxy, ToProxy } from '../proxy/protocol.ts'
import { defer } from '../shared/async.ts'
import { withinAwake } from './awake.ts'
import type { SocketHandle } from './sockets.ts'

export interface QuestionsOptions {
  /** Calls `sent` once the message has arrived; never, maybe, when the proxy ends meanwhile. */
  readonly send: (message: ToProxy, handle?: SocketHandle, sent?: () => void) => void
  /** Resolves when nobody is there to answer any more. */
  readonly ended: Promise<void>
}

export interface Asking {
  /** What counts as the answer. */
  readonly fits: (answer: FromProxy) => boolean
  /** How long it may take; ten seconds when absent. */
  readonly ms?: number
  readonly handle?: SocketHandle | undefined
  /** Ends the wait. */
  readonly signal?: AbortSignal
}

const ANSWER_MS = 10_000

interface Waiter {
  readonly fits: Asking['fits']
  readonly done: (answer: FromProxy | undefined) => void
}

/**
 * What one proxy was asked and has not answered yet. Nothing is kept of a question that is over: each listens for the
 * end of the proxy through this, since what waits for a promise stays with it until it settles.
 */
export class Questions {
  readonly #options: QuestionsOptions
  readonly #waiters = new Set<Waiter>()
  #isOver = false

  constructor(options: QuestionsOptions) {
    this.#options = options
    void options.ended.then(() => this.#end())
  }

  /** Undefined when there is no answer in time, or the proxy ends. */
  async ask(message: ToProxy, { fits, ms = ANSWER_MS, handle, signal }: Asking): Promise<FromProxy | undefined> {
    const answer = this.#await(fits)
    const giveUp = () => answer.done(undefined)
    signal?.addEventListener('abort', giveUp, { once: true })
    this.#options.send(message, handle)
    const answered = await withinAwake(ms, answer.promise, undefined)
    signal?.removeEventListener('abort', giveUp)
    this.#waiters.delete(answer)
    return answered
  }

  /** Says something that has no answer. Resolves once it has arrived, or the proxy has ended. */
  async tell(message: ToProxy, handle?: SocketHandle): Promise<void> {
    const arrival = this.#await(() => false)
    this.#options.send(message, handle, () => arrival.done(undefined))
    await arrival.promise
    this.#waiters.delete(arrival)
  }

  /** Whether somebody had waited for this. */
  hear(message: FromProxy): boolean {
    const waiters = [...this.#waiters].filter(({ fits }) => fits(message))
    for (const waiter of waiters) waiter.done(message)
    return waiters.length > 0
  }

  #await(fits: Asking['fits']): Waiter & { readonly promise: Promise<FromProxy | undefined> } {
    const { promise, resolve } = defer<FromProxy | undefined>()
    const waiter = { fits, promise, done: resolve }
    if (this.#isOver) resolve(undefined)
    else this.#waiters.add(waiter)
    return waiter
  }

  #end(): void {
    this.#isOver = true
    for (const waiter of this.#waiters) waiter.done(undefined)
  }
}
