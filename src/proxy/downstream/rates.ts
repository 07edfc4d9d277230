/** One bucket of tokens: how full it was, and when. */
interface Bucket {
  tokens: number
  /** In monotonic milliseconds. */
  at: number
  /** It was empty, and has not been half full since. */
  isDry: boolean
}

export interface Taken {
  /** Milliseconds until there is one; 0 when there was. */
  readonly wait: number
  /** Whether it is the first in a while that has to wait. */
  readonly isFirst: boolean
}

/** Bursts may have so many times what is allowed in a second. */
const BURST = 10
/** Those who asked last; who is forgotten begins anew. */
const MOST_BUCKETS = 10_000

/** How often each guest may ask: a bucket for each that fills at a steady rate. One that is empty empties no other. */
export class Rates {
  readonly #perSecond: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** `perSecond` is asked each time: a reload may change it. */
  constructor(perSecond: () => number) {
    this.#perSecond = perSecond
  }

  /** Takes one of `who`'s. `now` in monotonic milliseconds. */
  take(who: string, now: number): Taken {
    const rate = this.#perSecond() / 1000
    const bucket = this.#filled(who, now, rate)
    const isEmpty = bucket.tokens < 1
    const isFirst = isEmpty && !bucket.isDry
    if (isEmpty) bucket.isDry = true
    else bucket.tokens--
    return { wait: isEmpty ? Math.ceil((1 - bucket.tokens) / rate) : 0, isFirst }
  }

  #filled(who: string, now: number, rate: number): Bucket {
    const most = rate * 1000 * BURST
    const bucket = this.#buckets.get(who) ?? this.#open(who, { tokens: most, at: now, isDry: false })
    bucket.tokens = Math.min(most, bucket.tokens + (now - bucket.at) * rate)
    bucket.at = now
    if (bucket.tokens > most / 2) bucket.isDry = false
    return bucket
  }

  #open(who: string, bucket: Bucket): Bucket {
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size >= MOST_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest)
    this.#buckets.set(who, bucket)
    return bucket
  }
}
