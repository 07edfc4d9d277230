/** Something that wants to know now and then how late it is. */
export interface Beating {
  /** `now` in milliseconds, monotonic. */
  beat(now: number): void
}

const EVERY = 1000
/** After so many additions, or twice as many as beat, the set is made anew; why is said at `Register`. */
const RENEWAL = 64

/** One timer for all open requests and streams: what would be a timer each is an entry in a set. */
export class Pulse implements Disposable {
  #beating = new Set<Beating>()
  /** Since the set was made. */
  #added = 0
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#beat(), EVERY).unref()
  }

  add(beating: Beating): void {
    this.#renew()
    this.#beating.add(beating)
  }

  #renew(): void {
    if (++this.#added < Math.max(RENEWAL, 2 * this.#beating.size)) return
    this.#added = 0
    this.#beating = new Set(this.#beating)
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
