/**
 * A server's request that its client has not answered yet. It is over with the last call it can belong to: of several
 * calls of one client it is not known which one asks.
 */
export class Question {
  readonly #withdrawn = new AbortController()
  #calls: number

  /** `calls`: how many calls it can belong to. */
  constructor(calls: number) {
    this.#calls = calls
  }

  /** Aborted when the server no longer needs the answer. */
  get signal(): AbortSignal {
    return this.#withdrawn.signal
  }

  /** One of the calls is over. */
  callEnded(): void {
    this.#calls--
    if (this.#calls === 0) this.withdraw()
  }

  withdraw(): void {
    this.#withdrawn.abort()
  }
}
