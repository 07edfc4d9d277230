import type { Lot, ParkedCall } from './parked-call.ts'
import type { Owner, Parking } from './parking.ts'

/** The part of the parking that one upstream's calls have: as long as any of them waits, it is in use. */
export class Bay implements Lot {
  readonly #parking: Parking
  readonly #calls = new Set<ParkedCall>()
  /** Told when the last of them has left. */
  emptied: (() => void) | undefined

  constructor(parking: Parking) {
    this.#parking = parking
  }

  get isEmpty(): boolean {
    return this.#calls.size === 0
  }

  get patience(): number {
    return this.#parking.patience
  }

  admit(call: ParkedCall): boolean {
    const hasRoom = this.#parking.admit(call)
    if (hasRoom) this.#calls.add(call)
    return hasRoom
  }

  release(call: ParkedCall): void {
    this.#parking.release(call)
    if (this.#calls.delete(call) && this.isEmpty) this.emptied?.()
  }

  /** See `Parking`. */
  seal(owner: Owner, call?: ParkedCall): string {
    return this.#parking.seal(owner, call)
  }

  /** See `Parking`: also a call that waits at another upstream of the server, whose place this one took. */
  open(state: unknown, owner: Owner): ParkedCall | undefined {
    return this.#parking.open(state, owner)
  }
}
