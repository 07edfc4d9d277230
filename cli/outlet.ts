import { fstatSync, writeSync } from 'node:fs'
import type { Stream } from './context.ts'

export interface OutletOptions {
  /** 1 or 2. */
  readonly fd: number
  /** Node's own stream for it. */
  readonly open: () => NodeJS.WriteStream
  /** Called when nobody reads any more; what is written from then on goes nowhere. */
  readonly lost: () => void
}

/**
 * Standard output or error. A terminal is written by Node's own stream, which knows its size. To a file or a pipe we write
 * at once, as that stream would: but to have it means loading all that sockets are made of, which is a large part of what
 * a short command takes. Only where a pipe does not take all of it the stream waits in our place.
 */
export class Outlet implements Stream {
  readonly #options: OutletOptions
  #stream: NodeJS.WriteStream | undefined
  #isLost = false

  constructor(options: OutletOptions) {
    this.#options = options
    if (fstatSync(options.fd).isCharacterDevice()) this.#open()
  }

  get isTTY(): boolean | undefined {
    return this.#stream?.isTTY
  }

  get columns(): number | undefined {
    return this.#stream?.columns
  }

  get rows(): number | undefined {
    return this.#stream?.rows
  }

  write(chunk: string | Uint8Array): void {
    if (this.#isLost) return
    if (this.#stream) this.#stream.write(chunk)
    else this.#writeAll(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  }

  /** Calls back once everything is written. */
  flush(done: () => void): void {
    if (this.#stream && !this.#isLost) this.#stream.write('', done)
    else done()
  }

  #writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(this.#options.fd, bytes, at)
      } catch (error) {
        if (isFull(error)) this.#open().write(bytes.subarray(at))
        else this.#lose()
        return
      }
    }
  }

  #open(): NodeJS.WriteStream {
    this.#stream ??= this.#options.open().on('error', () => this.#lose())
    return this.#stream
  }

  #lose(): void {
    this.#isLost = true
    this.#options.lost()
  }
}

/** A pipe that somebody else made non-blocking. */
function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
