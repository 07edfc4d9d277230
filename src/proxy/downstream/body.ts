import type { IncomingMessage } from 'node:http'
import type { Beating, Pulse } from './pulse.ts'

/** Why a body was not read to its end. */
export type Unread = 'large' | 'slow' | 'gone'

export interface Reading {
  /** In bytes. */
  readonly limit: number
  readonly pulse: Pick<Pulse, 'add' | 'delete'>
}

/** Once a body comes in pieces, so much of it has to come on average; how long all of it may take the listener says. */
const LEAST_PER_SECOND = 1024
const GRACE_MS = 5000

/** The whole body, or why no more of it is read. */
export function readBody(request: IncomingMessage, { limit, pulse }: Reading): Promise<Buffer | Unread> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = []
    let size = 0
    let trickle: Trickle | undefined
    const settle = (outcome: Buffer | Unread): void => {
      if (trickle) pulse.delete(trickle)
      resolve(outcome)
    }
    const stop = (why: Unread): void => {
      request.off('data', take).pause()
      chunks = []
      settle(why)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      chunks.push(chunk)
      if (size > limit) stop('large')
      // Most bodies are in one piece with their head, and cost no watch.
      else if (chunks.length > 1) trickle ??= watch()
    }
    const watch = (): Trickle => {
      const watched = new Trickle(
        () => size,
        () => stop('slow'),
      )
      pulse.add(watched)
      return watched
    }
    request.on('data', take)
    request.on('end', () => settle(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    request.on('close', () => settle('gone'))
  })
}

/** A body that comes in pieces. */
class Trickle implements Beating {
  readonly #size: () => number
  readonly #slow: () => void
  readonly #since = performance.now()

  constructor(size: () => number, slow: () => void) {
    this.#size = size
    this.#slow = slow
  }

  beat(now: number): void {
    const ms = now - this.#since
    if (ms >= GRACE_MS && this.#size() * 1000 < LEAST_PER_SECOND * ms) this.#slow()
  }
}
