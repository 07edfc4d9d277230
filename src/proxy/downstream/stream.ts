import type { ServerResponse } from 'node:http'
import type { Beating, Pulse } from './pulse.ts'

/** One message, as text or as bytes that are ready. */
export type Body = string | Buffer

/** Queued bytes beyond which a reader counts as gone. One message may be larger: only what waits before it counts. */
export const QUEUE_LIMIT = 1024 * 1024
const KEEP_ALIVE = 15_000

/** A response of Server-Sent Events: each message one event, a comment when it was quiet for 15 s. */
export class EventStream implements Beating {
  readonly #response: ServerResponse
  readonly #pulse: Pulse
  #lastWrite = performance.now()

  /** Sends the head at once, so that the client knows the stream is open. */
  constructor(response: ServerResponse, pulse: Pulse) {
    this.#response = response
    this.#pulse = pulse
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    response.flushHeaders()
    response.once('close', () => pulse.delete(this))
    pulse.add(this)
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded
  }

  /** Returns whether it was taken. A reader that lets more than 1 MiB wait is cut off: it would only cost memory. */
  send(body: Body): boolean {
    if (!this.isOpen) return false
    if (this.#response.writableLength > QUEUE_LIMIT) {
      this.#response.destroy()
      return false
    }
    this.#write(body)
    return true
  }

  /** The last message there will be: it passes whatever waits before it. */
  finish(body: Body): void {
    if (this.isOpen) this.#write(body)
    this.end()
  }

  end(): void {
    this.#pulse.delete(this)
    if (this.isOpen) this.#response.end()
  }

  beat(now: number): void {
    if (!this.isOpen) this.#pulse.delete(this)
    else if (now - this.#lastWrite >= KEEP_ALIVE) this.#comment(now)
  }

  #comment(now: number): void {
    this.#lastWrite = now
    if (this.#response.writableLength > QUEUE_LIMIT) this.#response.destroy()
    else this.#response.write(': keepalive\n\n')
  }

  #write(body: Body): void {
    this.#lastWrite = performance.now()
    if (typeof body === 'string') this.#response.write(`event: message\ndata: ${body}\n\n`)
    else this.#writeBytes(body)
  }

  #writeBytes(body: Buffer): void {
    this.#response.cork()
    this.#response.write('event: message\ndata: ')
    this.#response.write(body)
    this.#response.write('\n\n')
    this.#response.uncork()
  }
}
