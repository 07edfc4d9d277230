import type { Job } from './job.ts'

interface Place {
  readonly job: Job
  /** On the clock of `performance.now()`. */
  readonly since: number
}

/** Requests for which no connection is free, the oldest first. */
export class Waiting {
  readonly #places: Place[] = []

  get size(): number {
    return this.#places.length
  }

  push(job: Job): void {
    this.#places.push({ job, since: performance.now() })
  }

  shift(): Job | undefined {
    return this.#places.shift()?.job
  }

  remove(job: Job): void {
    const at = this.#places.findIndex((place) => place.job === job)
    if (at >= 0) this.#places.splice(at, 1)
  }

  /** The first so many are taken out. */
  take(count: number = this.size): readonly Job[] {
    return this.#places.splice(0, count).map(({ job }) => job)
  }

  /** How many have waited since then or longer. */
  countSince(time: number): number {
    const at = this.#places.findIndex(({ since }) => since > time)
    return at < 0 ? this.size : at
  }

  /** When the one in that place began to wait. */
  since(place: number): number | undefined {
    return this.#places[place]?.since
  }
}
