import { within } from '../../shared/async.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Overlay } from '../catalog/overlay.ts'
import type { View } from '../catalog/view.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Caller } from '../mcp/exchange.ts'
import type { Seat } from '../servers/seat.ts'
import type { Seats } from '../servers/seats.ts'
import { serverOf } from '../servers/sharing.ts'
import type { Listing } from '../upstream/listing.ts'
import type { Upstream } from '../upstream/upstream.ts'

export interface SightOptions {
  readonly catalog: Catalog
  readonly seats: Seats
  /** How long lists that were never known may be waited for, in milliseconds. */
  readonly listWait: () => number
}

/** What each session sees of the servers: what all see, and in its place what its own upstreams show it alone. */
export class Sight {
  readonly #options: SightOptions
  /** After a start, until of each server there are lists, or none to be had; undefined once that is over, for good. */
  #known: Promise<void> | undefined
  /** The same until each has said itself what it lists. */
  #confirmed: Promise<void> | undefined

  constructor(options: SightOptions) {
    const { seats } = options
    this.#options = options
    this.#known = this.#atMost(seats.known()).then(() => {
      this.#known = undefined
    })
    this.#confirmed = this.#atMost(seats.settled()).then(() => {
      this.#confirmed = undefined
    })
  }

  view(asker: Asker): View | undefined {
    return this.#options.catalog.view(asker.server, this.#overlay(asker))
  }

  /** The lists of the session's own upstreams, as far as they are known. */
  #overlay(asker: Asker): Overlay | undefined {
    const { caller } = asker
    let found: Map<string, Listing> | undefined
    for (const seat of this.#options.seats.parted()) {
      const isSeen = asker.server === undefined || asker.server === seat.server.name
      const listing = isSeen ? seat.privateUpstream(caller)?.listing : undefined
      if (!listing) continue
      found ??= new Map()
      found.set(seat.server.name, listing)
    }
    return found
  }

  /** Whether what comes from this way to a server is for this session, too. */
  sees(asker: Asker, way: string): boolean {
    const name = serverOf(way)
    if (asker.server !== undefined && asker.server !== name) return false
    return this.#options.seats.get(name)?.wayOf(asker.caller) === way
  }

  #seats({ server }: Asker): Iterable<Seat> {
    const { seats } = this.#options
    if (server === undefined) return seats
    const seat = seats.get(server)
    return seat ? [seat] : []
  }

  /**
   * To be awaited before the lists of that address are shown: those never known, also the ones the session alone is
   * shown, and those that `cache.mode` wants asked for first. Undefined when there is nothing worth waiting for.
   */
  known(asker: Asker): Promise<void> | undefined {
    const now = performance.now()
    const waits: Promise<void>[] = []
    for (const seat of this.#seats(asker)) {
      const own = ownUpstream(seat, asker)
      if (own && !own.listing) waits.push(own.known())
      const asked = (own ?? seat.upstream)?.look(now)
      if (asked) waits.push(asked)
    }
    return this.#all(this.sharedKnown(asker.server), waits)
  }

  /** To be awaited before a name that nobody knows is refused: the last start need not have known it. */
  confirmed(asker: Asker): Promise<void> | undefined {
    const waits: Promise<void>[] = []
    for (const seat of this.#seats(asker)) {
      const own = ownUpstream(seat, asker)
      if (own && !own.listing) waits.push(own.settled())
    }
    const shared = this.#shared(this.#confirmed, asker.server, (seat) => seat.settled())
    return this.#all(shared, waits)
  }

  /** The first lists of an address, for who has no session yet. */
  sharedKnown(server: string | undefined): Promise<void> | undefined {
    return this.#shared(this.#known, server, (seat) => (seat.listing ? undefined : seat.known()))
  }

  #shared(
    ofAll: Promise<void> | undefined,
    server: string | undefined,
    ofOne: (seat: Seat) => Promise<void> | undefined,
  ): Promise<void> | undefined {
    if (!ofAll || server === undefined) return ofAll
    const seat = this.#options.seats.get(server)
    const wait = seat && !seat.isSettled ? ofOne(seat) : undefined
    return wait && Promise.race([ofAll, wait])
  }

  #all(shared: Promise<void> | undefined, own: readonly Promise<void>[]): Promise<void> | undefined {
    return own.length === 0 ? shared : this.#atMost(Promise.all([shared, ...own]))
  }

  async #atMost(promise: Promise<unknown>): Promise<void> {
    await within(this.#options.listWait(), promise, undefined)
  }
}

/** The session's own upstream, opened if need be; without room for it the session sees what all see, until it calls. */
function ownUpstream(seat: Seat, { caller }: Asker): Upstream | undefined {
  if (!seat.upstream || !seat.ownerOf(caller)) return undefined
  return seat.privateUpstream(caller) ?? opened(seat, caller)
}

function opened(seat: Seat, caller: Caller): Upstream | undefined {
  try {
    return seat.open(caller)
  } catch {
    // Too many: a call through it is refused in so many words, a list is better than none.
    return undefined
  }
}
