import type { Listen } from '../plan/model.ts'
import type { Sorry } from './sorry.ts'
import type { Surroundings } from './surroundings.ts'

/** Who answers on the socket of a group that has no proxy and will have none for a while. */
export class StandIn {
  readonly #around: Pick<Surroundings, 'sockets' | 'apologise'>
  #sorry: Sorry | undefined

  constructor(around: Pick<Surroundings, 'sockets' | 'apologise'>) {
    this.#around = around
  }

  /** For so many milliseconds; without a socket there is nowhere to answer. */
  apologise(listen: Listen | undefined, ms: number): void {
    this.leave()
    const socket = listen && this.#around.sockets.hold(listen)
    if (socket && 'handle' in socket && socket.handle) this.#sorry = this.#around.apologise(socket, ms)
  }

  leave(): void {
    this.#sorry?.leave()
    this.#sorry = undefined
  }
}
