const SECOND = 1000

/** Figures of a group. */
export interface RetriesOptions {
  /** Attempts that may follow one another at once, after a quiet time. */
  readonly burst: number
  readonly perSecond: number
  /** How many may be on their way at once. */
  readonly most: number
  /** How long one counts as on its way, in milliseconds: who hangs does not keep the others away. */
  readonly longest: number
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number
}

const usual: RetriesOptions = { burst: 16, perSecond: 16, most: 4, longest: 4000, now: () => performance.now() }

/** A place among those that are tried again. Disposing of it gives it up, or ends the attempt. */
interface Place extends Disposable {
  readonly go: () => void
}

/**
 * How often the servers of one group are tried again that are away, and how many at a time. A few never notice; a crowd
 * that went down together comes back over seconds, in its order, instead of storming what it has in common. First
 * connects and what is replaced at once (a lost session, the first loss of a process) do not ask here.
 */
export class Retries {
  readonly #options: RetriesOptions
  readonly #waiting = new Set<Place>()
  readonly #going = new Map<Place, NodeJS.Timeout>()
  #left: number
  #countedAt: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: Partial<RetriesOptions> = {}) {
    this.#options = { ...usual, ...options }
    this.#left = this.#options.burst
    this.#countedAt = this.#options.now()
  }

  /** Calls `go` when it is its turn, which may be at once. What is returned is to be disposed of when that is over. */
  ask(go: () => void): Disposable {
    const place: Place = { go, [Symbol.dispose]: () => this.#end(place) }
    this.#waiting.add(place)
    this.#serve()
    return place
  }

  /** First come, first served. */
  #serve(): void {
    this.#refill()
    for (const place of this.#waiting) {
      if (this.#left < 1 || this.#going.size >= this.#options.most) break
      this.#left--
      this.#begin(place)
    }
    if (this.#waiting.size === 0 || this.#going.size >= this.#options.most) return
    this.#timer ??= setTimeout(() => this.#wake(), SECOND / this.#options.perSecond)
  }

  #begin(place: Place): void {
    this.#waiting.delete(place)
    const timer = setTimeout(() => this.#end(place), this.#options.longest)
    this.#going.set(place, timer.unref())
    place.go()
  }

  #end(place: Place): void {
    this.#waiting.delete(place)
    clearTimeout(this.#going.get(place))
    if (this.#going.delete(place)) this.#serve()
  }

  #wake(): void {
    this.#timer = undefined
    this.#serve()
  }

  #refill(): void {
    const { burst, perSecond, now } = this.#options
    const time = now()
    this.#left = Math.min(burst, this.#left + ((time - this.#countedAt) * perSecond) / SECOND)
    this.#countedAt = time
  }
}
