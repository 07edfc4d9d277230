import type { FromProxy, ToProxy } from '../proxy/protocol.ts'
import { defer } from '../shared/async.ts'
import { withinAwake } from './awake.ts'
import type { SocketHandle } from './sockets.ts'

export interface QuestionsOptions {
  readonly send: (message: ToProxy, handle?: SocketHandle) => void
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
  readonly done: (answer: FromProxy) => void
}

/** What one proxy was asked and has not answered yet. */
export class Questions {
  readonly #options: QuestionsOptions
  readonly #waiters = new Set<Waiter>()

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** Undefined when there is no answer in time, or the proxy ends. */
  async ask(message: ToProxy, { fits, ms = ANSWER_MS, handle, signal }: Asking): Promise<FromProxy | undefined> {
    const answer = defer<FromProxy | undefined>()
    const giveUp = () => answer.resolve(undefined)
    signal?.addEventListener('abort', giveUp, { once: true })
    void this.#options.ended.then(giveUp)
    const waiter = { fits, done: answer.resolve }
    this.#waiters.add(waiter)
    this.#options.send(message, handle)
    const answered = await withinAwake(ms, answer.promise, undefined)
    this.#waiters.delete(waiter)
    return answered
  }

  /** Whether somebody had waited for this. */
  hear(message: FromProxy): boolean {
    const waiters = [...this.#waiters].filter(({ fits }) => fits(message))
    for (const waiter of waiters) waiter.done(message)
    return waiters.length > 0
  }
}
