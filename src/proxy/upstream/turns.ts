import { type Deferred, defer } from '../../shared/async.ts'

export interface TurnsOptions {
  /** How many may start at once. */
  readonly most: number
  /** How long one holds up the others, in milliseconds: what takes longer waits for something else than the processor. */
  readonly longest: number
}

/** Whose turn comes first: one that served before, one without which the group is not ready, any other. */
export type Rank = (typeof ranks)[number]
const ranks = ['again', 'required', 'other'] as const

/** A place among those that start. Disposing of it gives it to the next. */
export interface Turn extends Disposable {
  /** Resolves when it may start, or is given up: never rejects. */
  readonly begun: Promise<void>
  /** Somebody waits for this very one: it begins now, whoever else is starting. */
  hurry(): void
}

interface Waiting {
  readonly rank: number
  readonly begun: Deferred<void>
}

/**
 * Lets so many processes start at once: the first of thirty would otherwise be up when all are. Whoever asks in the same
 * tick is served by rank, then in the order of asking.
 */
export class Turns {
  readonly #options: TurnsOptions
  readonly #waiting = new Set<Waiting>()
  readonly #starting = new Map<Waiting, NodeJS.Timeout>()

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  ask(rank: Rank): Turn {
    const waiting = { rank: ranks.indexOf(rank), begun: defer<void>() }
    this.#waiting.add(waiting)
    queueMicrotask(() => this.#serve())
    return {
      begun: waiting.begun.promise,
      hurry: () => this.#waiting.has(waiting) && this.#begin(waiting),
      [Symbol.dispose]: () => this.#end(waiting),
    }
  }

  #serve(): void {
    while (this.#starting.size < this.#options.most) {
      const next = this.#next()
      if (!next) return
      this.#begin(next)
    }
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined
    for (const waiting of this.#waiting) if (!first || waiting.rank < first.rank) first = waiting
    return first
  }

  #begin(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    const timer = setTimeout(() => this.#end(waiting), this.#options.longest)
    this.#starting.set(waiting, timer)
    waiting.begun.resolve()
  }

  #end(waiting: Waiting): void {
    clearTimeout(this.#starting.get(waiting))
    this.#starting.delete(waiting)
    this.#waiting.delete(waiting)
    waiting.begun.resolve()
    this.#serve()
  }
}
