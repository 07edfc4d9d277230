import type { RpcNotification } from '../mcp/rpc.ts'

/** Notifications of a call that nobody listens to just now, in order. When there are too many, old progress goes first. */
export class Backlog {
  readonly #most: number
  #held: RpcNotification[] = []

  constructor(most: number) {
    this.#most = most
  }

  add(notification: RpcNotification): void {
    this.#held.push(notification)
    if (this.#held.length <= this.#most) return
    const oldest = this.#held.findIndex(({ method }) => method === 'notifications/progress')
    this.#held.splice(Math.max(oldest, 0), 1)
  }

  /** Everything held, which is then forgotten. */
  take(): readonly RpcNotification[] {
    const held = this.#held
    this.#held = []
    return held
  }
}
