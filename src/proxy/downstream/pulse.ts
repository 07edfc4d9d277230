/** Something that wants to know now and then how late it is. */
export interface Beating {
  /** `now` in milliseconds, monotonic. */
  beat(now: number): void
}

const EVERY = 1000

/** One timer for all open requests and streams: what would be a timer each is an entry in a set. */
export class Pulse implements Disposable {
  readonly #beating = new Set<Beating>()
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#beat(), EVERY).unref()
  }

  add(beating: Beating): void {
    this.#beating.add(beating)
  }

  delete(beating: Beating): void {
    this.#beating.delete(beating)
  }

  #beat(): void {
    const now = performance.now()
    for (const beating of this.#beating) beating.beat(now)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#beating.clear()
  }
}
