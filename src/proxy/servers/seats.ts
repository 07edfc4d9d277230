import type { Server } from '../../config/profile.ts'
import { definitionOf } from './definition.ts'
import { Seat, type SeatOptions, type Way } from './seat.ts'

export type SeatsOptions = Omit<SeatOptions, 'server'>

/** The group's servers in its order, each in its seat: all start at once, a change touches only what it changes. */
export class Seats implements AsyncDisposable {
  readonly #options: SeatsOptions
  #seats: ReadonlyMap<string, Seat>
  /** The names of those to which a client has had a way of its own. */
  readonly #parted = new Set<string>()
  /** Removed, but still finishing what is in flight. */
  readonly #leaving = new Set<Seat>()

  constructor(servers: readonly Server[], options: SeatsOptions) {
    this.#options = options
    this.#seats = new Map(servers.map((server) => [server.name, this.#seat(server)]))
  }

  get(name: string): Seat | undefined {
    return this.#seats.get(name)
  }

  /** Every open way to any of the servers. */
  *ways(): Generator<Way> {
    for (const seat of this.#seats.values()) yield* seat.ways()
  }

  /** Those to which clients have ways of their own: mostly none, however many servers there are. */
  *parted(): Generator<Seat> {
    for (const name of this.#parted) {
      const seat = this.#seats.get(name)
      if (seat?.isParted) yield seat
      else this.#parted.delete(name)
    }
  }

  [Symbol.iterator](): IterableIterator<Seat> {
    return this.#seats.values()
  }

  /** The servers of an update. Throws RangeError for a name that is none of theirs. */
  whole(servers: readonly (Server | string)[]): readonly Server[] {
    return servers.map((server) => (typeof server === 'string' ? this.#named(server) : server))
  }

  #named(name: string): Server {
    const seat = this.#seats.get(name)
    if (seat) return seat.server
    throw new RangeError(`there is no server "${name}" that could be as before`)
  }

  /**
   * Takes over another list of servers. When it returns, what is gone or only renamed and filtered anew is in effect;
   * `settled` resolves when what was added or changed serves too, or has failed once.
   */
  configure(servers: readonly Server[]): { readonly settled: Promise<void> } {
    const before = this.#seats
    const waits: Promise<void>[] = []
    this.#seats = new Map(servers.map((server) => [server.name, this.#place(server, before.get(server.name), waits)]))
    for (const [name, seat] of before) if (!this.#seats.has(name)) this.#remove(seat)
    return { settled: Promise.all(waits).then(() => undefined) }
  }

  #place(server: Server, seat: Seat | undefined, waits: Promise<void>[]): Seat {
    if (!seat) {
      const added = this.#seat(server)
      waits.push(added.settled())
      return added
    }
    if (seat.server === server) return seat
    if (definitionOf(seat.server) === definitionOf(server)) seat.adopt(server)
    else waits.push(seat.replace(server))
    return seat
  }

  #seat(server: Server): Seat {
    const opened = (way: Way) => {
      this.#parted.add(way.server)
      this.#options.opened(way)
    }
    return new Seat({ ...this.#options, server, opened })
  }

  #remove(seat: Seat): void {
    this.#leaving.add(seat)
    void seat.remove().finally(() => this.#leaving.delete(seat))
  }

  /** Resolves when every server is up, has failed once or has spent its connect timeout. */
  async settled(): Promise<void> {
    await Promise.all([...this.#seats.values()].map((seat) => seat.settled()))
  }

  /** Resolves when of every server there are lists, or none to be had for now. */
  async known(): Promise<void> {
    await Promise.all([...this.#seats.values()].map((seat) => seat.known()))
  }

  /** Stops all servers, those on their way out included. */
  async [Symbol.asyncDispose](): Promise<void> {
    const seats = [...this.#seats.values(), ...this.#leaving]
    await Promise.all(seats.map((seat) => seat[Symbol.asyncDispose]()))
  }
}
