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
  /** While first lists are waited for; undefined once that is over, for good. */
  #firstLists: Promise<void> | undefined

  constructor(options: SightOptions) {
    this.#options = options
    this.#firstLists = within(options.listWait(), options.seats.settled(), undefined).then(() => {
      this.#firstLists = undefined
    })
  }

  view(asker: Asker): View | undefined {
    return this.#options.catalog.view(asker.server, this.#overlay(asker))
  }

  /** The lists of the session's own upstreams, as far as they are known. */
  #overlay(asker: Asker): Overlay | undefined {
    const { caller } = asker
    let found: Map<string, Listing> | undefined
    for (const seat of this.#seats(asker)) {
      const listing = seat.privateUpstream(caller)?.listing
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
   * The promise of the first lists of that address while they are worth waiting for, then also of those the session
   * alone is shown; undefined when all there is to know is known.
   */
  known(asker: Asker): Promise<void> | undefined {
    const own: Promise<void>[] = []
    for (const seat of this.#seats(asker)) own.push(...firstLists(seat, asker))
    const shared = this.sharedKnown(asker.server)
    if (own.length === 0) return shared
    return within(this.#options.listWait(), Promise.all([shared, ...own]), undefined).then(() => undefined)
  }

  /** The same for who has no session yet. */
  sharedKnown(server: string | undefined): Promise<void> | undefined {
    if (!this.#firstLists || server === undefined) return this.#firstLists
    const seat = this.#options.seats.get(server)
    if (!seat || seat.listing || seat.isSettled) return undefined
    return Promise.race([this.#firstLists, seat.settled()])
  }
}

/** Opens the session's own upstream; without room for it the session sees what all see, until it calls. */
function firstLists(seat: Seat, { caller }: Asker): Promise<void>[] {
  if (!seat.upstream || !seat.ownerOf(caller)) return []
  const upstream = seat.privateUpstream(caller) ?? opened(seat, caller)
  return !upstream || upstream.listing ? [] : [upstream.settled()]
}

function opened(seat: Seat, caller: Caller): Upstream | undefined {
  try {
    return seat.open(caller)
  } catch {
    // Too many: a call through it is refused in so many words, a list is better than none.
    return undefined
  }
}
