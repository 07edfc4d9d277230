import type { Text } from '../mcp/text.ts'

const MOST = 256

/** In place of a stream whose connection is still on its way here: what is to be said on it waits, up to a bound. */
export class WaitingStream {
  /** Whether there is no doubt that the client is at the other end. */
  readonly isOpen: boolean
  readonly backlog = 0
  #bodies: Text[] = []

  constructor({ isOpen }: { readonly isOpen: boolean }) {
    this.isOpen = isOpen
  }

  send(body: Text): boolean {
    if (this.#bodies.length >= MOST) return false
    this.#bodies.push(body)
    return true
  }

  finish(body: Text): void {
    this.send(body)
  }

  /** What waited, oldest first. */
  take(): readonly Text[] {
    const bodies = this.#bodies
    this.#bodies = []
    return bodies
  }

  end(): void {}

  release(): undefined {
    return undefined
  }
}
