import { type Deferred, defer, within } from '../../shared/async.ts'

export interface LanesOptions {
  readonly width: number
  /** How many may wait for a place. */
  readonly queue: number
  /** How long they wait, in milliseconds. */
  readonly patience: number
}

/** Bounds what is in flight to one server, and the queue in front of it, first come first served. */
export class Lanes {
  readonly #options: LanesOptions
  readonly #waiting = new Set<Deferred<boolean>>()
  #taken = 0

  constructor(options: LanesOptions) {
    this.#options = options
  }

  /** False when there is no place in time. Every true must be followed by one `leave`. */
  enter(): boolean | Promise<boolean> {
    if (this.#taken < this.#options.width) {
      this.#taken++
      return true
    }
    return this.#waiting.size < this.#options.queue && this.#wait()
  }

  leave(): void {
    const [next] = this.#waiting
    if (!next) {
      this.#taken--
      return
    }
    this.#waiting.delete(next)
    next.resolve(true)
  }

  /** A place given in the very moment patience ends is a place: the deferred, not the clock, has the last word. */
  async #wait(): Promise<boolean> {
    const place = defer<boolean>()
    this.#waiting.add(place)
    await within(this.#options.patience, place.promise, false)
    if (this.#waiting.delete(place)) place.resolve(false)
    return place.promise
  }
}
