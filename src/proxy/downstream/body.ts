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
export function readBody(request: IncomingMessage, reading: Reading): Promise<Buffer | Unread> {
  return new Promise((resolve) => {
    let only: Buffer | undefined
    let pieces: Pieces | undefined
    // Most bodies are in one piece with their head, and cost no watch.
    const take = (chunk: Buffer): void => {
      if (only === undefined && chunk.length <= reading.limit) {
        only = chunk
        return
      }
      pieces ??= new Pieces(only, reading, (why) => {
        request.off('data', take).pause()
        resolve(why)
      })
      pieces.take(chunk)
    }
    request.on('data', take)
    request.on('end', () => resolve(pieces?.end() ?? only ?? Buffer.alloc(0)))
    request.on('close', () => {
      pieces?.end()
      resolve('gone')
    })
  })
}

/** A body that comes in pieces, or is too large. */
class Pieces implements Beating {
  readonly #reading: Reading
  readonly #stop: (why: Unread) => void
  readonly #since = performance.now()
  #chunks: Buffer[] = []
  #size = 0

  constructor(first: Buffer | undefined, reading: Reading, stop: (why: Unread) => void) {
    this.#reading = reading
    this.#stop = stop
    if (first) this.#add(first)
    reading.pulse.add(this)
  }

  take(chunk: Buffer): void {
    this.#add(chunk)
    if (this.#size > this.#reading.limit) this.#give('large')
  }

  beat(now: number): void {
    const ms = now - this.#since
    if (ms >= GRACE_MS && this.#size * 1000 < LEAST_PER_SECOND * ms) this.#give('slow')
  }

  /** All of it that there is. */
  end(): Buffer {
    const whole = Buffer.concat(this.#chunks)
    this.#over()
    return whole
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  #give(why: Unread): void {
    this.#over()
    this.#stop(why)
  }

  #over(): void {
    this.#chunks = []
    this.#reading.pulse.delete(this)
  }
}
