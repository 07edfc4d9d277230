/**
 * A server's request that its client has not answered yet. It is over with the last call it can belong to: of several
 * calls of one client it is not known which one asks.
 */
export class Question {
  /** In milliseconds of `performance.now()`. */
  readonly since = performance.now()
  readonly #withdrawn = new AbortController()
  readonly #isFree: boolean
  #calls: number

  /** `calls`: how many calls it can belong to. A free one may belong to none, and so outlives their answers. */
  constructor(calls: number, isFree: boolean) {
    this.#calls = calls
    this.#isFree = isFree
  }

  /** Aborted when the server no longer needs the answer. */
  get signal(): AbortSignal {
    return this.#withdrawn.signal
  }

  /** One of the calls is over. */
  callEnded(isAnswered: boolean): void {
    if (isAnswered && this.#isFree) return
    this.#calls--
    if (this.#calls === 0) this.withdraw()
  }

  withdraw(): void {
    this.#withdrawn.abort()
  }
}
