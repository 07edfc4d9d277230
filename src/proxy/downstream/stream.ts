import type { ServerResponse } from 'node:http'
import type { Framed, Text } from '../mcp/text.ts'
import type { Beating, Pulse } from './pulse.ts'
import { type Outgoing, type Released, release } from './released.ts'

/** Queued bytes beyond which a reader counts as gone. One message may be larger: only what waits before it counts. */
export const QUEUE_LIMIT = 1024 * 1024
const KEEP_ALIVE = 15_000

/** The fields of one event that is no message. */
export interface Fields {
  readonly id?: string
  readonly event?: string
  /** In milliseconds. */
  readonly retry?: number
  readonly data?: string
}

export interface Sending {
  /** The event's id, where the stream can be resumed. */
  readonly id?: string | undefined
  /** How many bytes may wait before it. */
  readonly limit?: number
}

/** A response of Server-Sent Events: each message one event, a comment when it was quiet for 15 s. */
export class EventStream implements Beating {
  readonly #response: Outgoing
  readonly #pulse: Pulse
  #lastWrite = performance.now()
  #isReleased = false

  /** Sends the head at once, so that the client knows the stream is open. What is continued has its head already. */
  constructor(response: ServerResponse | Outgoing, pulse: Pulse) {
    this.#response = response
    this.#pulse = pulse
    if ('writeHead' in response) begin(response)
    response.once('close', () => pulse.delete(this))
    pulse.add(this)
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded && !this.#isReleased
  }

  /** Bytes that wait for the reader. */
  get backlog(): number {
    return this.#response.writableLength
  }

  /** Returns whether it was taken. A reader that lets more than 1 MiB wait is cut off: it would only cost memory. */
  send(body: Text, { id, limit = QUEUE_LIMIT }: Sending = {}): boolean {
    if (!this.isOpen) return false
    if (this.backlog > limit) {
      this.#response.destroy()
      return false
    }
    this.#write(body, id)
    return true
  }

  /** An event that is no message. */
  announce({ id, event, retry, data }: Fields): void {
    if (!this.isOpen) return
    this.#lastWrite = performance.now()
    const fields = Object.entries({ id, event, retry, data }).filter(([, value]) => value !== undefined)
    this.#response.write(`${fields.map(([name, value]) => `${name}: ${value}\n`).join('')}\n`)
  }

  /** The last message there will be: it passes whatever waits before it. */
  finish(body: Text, id?: string): void {
    if (this.isOpen) this.#write(body, id)
    this.end()
  }

  end(): void {
    this.#pulse.delete(this)
    if (this.isOpen) this.#response.end()
  }

  /** Says nothing more and lets go of the connection; undefined while something waits for the reader. */
  release(): Released | undefined {
    const released = this.isOpen ? release(this.#response) : undefined
    if (!released) return undefined
    this.#isReleased = true
    this.#pulse.delete(this)
    return { ...released, back: () => this.#takeBack(released) }
  }

  #takeBack(released: Released): void {
    this.#isReleased = false
    this.#pulse.add(this)
    released.back()
  }

  beat(now: number): void {
    if (!this.isOpen) this.#pulse.delete(this)
    else if (now - this.#lastWrite >= KEEP_ALIVE) this.#comment(now)
  }

  /** Not for who has enough to read: if it reads nothing of that either, the listener ends the silent connection. */
  #comment(now: number): void {
    this.#lastWrite = now
    if (this.backlog <= QUEUE_LIMIT) this.#response.write(': keepalive\n\n')
  }

  #write(body: Text, id: string | undefined): void {
    this.#lastWrite = performance.now()
    const head = id === undefined ? 'event: message\ndata: ' : `id: ${id}\nevent: message\ndata: `
    if (typeof body === 'string') this.#response.write(`${head}${body}\n\n`)
    else this.#writeFramed({ ...body, head: `${head}${body.head}`, tail: `${body.tail}\n\n` })
  }

  #writeFramed({ head, bytes, tail }: Framed): void {
    this.#response.cork()
    this.#response.write(head)
    this.#response.write(bytes)
    this.#response.write(tail)
    this.#response.uncork()
  }
}

function begin(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()
}
