import { isSameConnection } from '../../config/connection.ts'
import type { Server } from '../../config/profile.ts'
import { within } from '../../shared/async.ts'
import type { ServerFailure } from '../protocol.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Seat, type SeatOptions, type Way } from './seat.ts'

export type SeatsOptions = Omit<SeatOptions, 'server'>

/** What a coming configuration may wait for its servers; a hung one has spent its connect timeout before, as a rule. */
const LONGEST_PREPARATION = 30_000

/** The group's servers in its order, each in its seat: all start at once, a change touches only what it changes. */
export class Seats implements AsyncDisposable {
  readonly #options: SeatsOptions
  #seats: ReadonlyMap<string, Seat>
  /** Connecting for a coming configuration. */
  #staged: ReadonlyMap<string, Seat> = new Map()
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
   * Connects what a coming list of servers adds or changes, beside what serves; an earlier preparation is given up.
   * Resolves with those that did not come up once each is up, has failed once or has spent its connect timeout.
   */
  async prepare(servers: readonly Server[]): Promise<readonly ServerFailure[]> {
    this.abort()
    const added = servers.filter(({ name }) => !this.#seats.has(name)).map((server) => this.#seat(server))
    this.#staged = new Map(added.map((seat) => [seat.server.name, seat]))
    const changed = servers.flatMap((server) => this.#stage(server))
    const upstreams = [...added.flatMap(({ upstream }) => upstream ?? []), ...changed]
    await within(LONGEST_PREPARATION, Promise.all(upstreams.map((upstream) => upstream.settled())), undefined)
    return upstreams
      .filter(({ state }) => state !== 'ready')
      .map(({ name, lastError }) => ({
        server: name,
        reason: lastError ?? `not ready within ${LONGEST_PREPARATION} ms`,
      }))
  }

  #stage(server: Server): Upstream[] {
    const seat = this.#seats.get(server.name)
    if (!seat || seat.server === server || isSameConnection(seat.server, server)) return []
    const staged = seat.stage(server)
    return staged ? [staged] : []
  }

  /** Takes over the list that was prepared. What is only renamed or filtered anew needs no connection. */
  commit(servers: readonly Server[]): void {
    const before = this.#seats
    const staged = this.#staged
    this.#staged = new Map()
    this.#seats = new Map(
      servers.map((server) => [server.name, before.get(server.name) ?? staged.get(server.name) ?? this.#seat(server)]),
    )
    for (const server of servers) this.#seats.get(server.name)?.take(server)
    for (const [name, seat] of [...before, ...staged]) if (this.#seats.get(name) !== seat) this.#remove(seat)
  }

  /** Drops what was prepared. */
  abort(): void {
    const staged = this.#staged
    this.#staged = new Map()
    for (const seat of staged.values()) this.#remove(seat)
    for (const seat of this.#seats.values()) seat.unstage()
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
    const seats = [...this.#seats.values(), ...this.#staged.values(), ...this.#leaving]
    await Promise.all(seats.map((seat) => seat[Symbol.asyncDispose]()))
  }
}
