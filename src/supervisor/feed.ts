import { defer } from '../shared/async.ts'

export interface FeedOptions<T> {
  /** What may wait for one slow reader; beyond it the oldest is dropped. */
  readonly limit: number
  /** Whether `next` makes `waiting`, which nobody has read yet, superfluous. */
  readonly supersedes?: (next: T, waiting: T) => boolean
}

/** Hands what is published to every present reader, each at its own pace, in order. */
export class Feed<T> {
  readonly #options: FeedOptions<T>
  readonly #readers = new Set<Reader<T>>()
  #ended = false

  constructor(options: FeedOptions<T>) {
    this.#options = options
  }

  publish(value: T): void {
    for (const reader of this.#readers) reader.take(value)
  }

  /** Readers end once they have read what waits for them. */
  end(): void {
    this.#ended = true
    for (const reader of this.#readers) reader.wake()
  }

  /** `first` is read before anything that is published from now on. Ends with the feed or the signal. */
  async *read(first: () => readonly T[], signal: AbortSignal): AsyncGenerator<T> {
    const reader = new Reader(first(), this.#options)
    const wake = () => reader.wake()
    signal.addEventListener('abort', wake)
    this.#readers.add(reader)
    try {
      while (!signal.aborted) {
        const next = reader.next()
        yield* next
        if (next.length > 0) continue
        if (this.#ended) return
        await reader.woken()
      }
    } finally {
      this.#readers.delete(reader)
      signal.removeEventListener('abort', wake)
    }
  }
}

class Reader<T> {
  readonly #options: FeedOptions<T>
  readonly #waiting: T[]
  #wakeUp = defer<void>()

  constructor(first: readonly T[], options: FeedOptions<T>) {
    this.#waiting = [...first]
    this.#options = options
  }

  take(value: T): void {
    const last = this.#waiting.at(-1)
    if (last !== undefined && this.#options.supersedes?.(value, last)) this.#waiting.pop()
    this.#waiting.push(value)
    if (this.#waiting.length > this.#options.limit) this.#waiting.shift()
    this.wake()
  }

  /** The oldest that waits, as a list of one; empty when there is nothing. */
  next(): readonly T[] {
    return this.#waiting.splice(0, 1)
  }

  wake(): void {
    this.#wakeUp.resolve()
  }

  async woken(): Promise<void> {
    await this.#wakeUp.promise
    this.#wakeUp = defer()
  }
}
