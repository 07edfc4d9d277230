import type { Channel } from './channel.ts'

/** Unused connections, each for a limited time. The one used last is taken first, so that the others may run out. */
export class Idle implements Disposable {
  readonly #limit: number
  readonly #channels: Channel[] = []
  /** One for all: set when there is a first one, again when one has run out. */
  #timer: NodeJS.Timeout | undefined

  /** `limit` in milliseconds, for a server that does not say less. */
  constructor(limit: number) {
    this.#limit = limit
  }

  put(channel: Channel): void {
    const span = Math.min(this.#limit, channel.keptFor)
    channel.expiresAt = performance.now() + span
    this.#channels.push(channel)
    this.#timer ??= setTimeout(() => this.#sweep(), span)
  }

  /** Undefined when there is none that is good for another request. */
  take(): Channel | undefined {
    for (let channel = this.#channels.pop(); channel; channel = this.#channels.pop()) {
      if (channel.isOpen && channel.expiresAt > performance.now()) return channel
      channel.close()
    }
    return undefined
  }

  remove(channel: Channel): void {
    const at = this.#channels.indexOf(channel)
    if (at >= 0) this.#channels.splice(at, 1)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #sweep(): void {
    const now = performance.now()
    for (const channel of this.#channels.filter(({ expiresAt }) => expiresAt <= now)) channel.close()
    const next = Math.min(...this.#channels.map(({ expiresAt }) => expiresAt))
    this.#timer = Number.isFinite(next) ? setTimeout(() => this.#sweep(), next - now) : undefined
  }
}
