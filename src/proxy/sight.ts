import { within } from '../shared/async.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { Overlay } from './catalog/overlay.ts'
import type { View } from './catalog/view.ts'
import type { Session } from './downstream/session.ts'
import type { Caller } from './exchange.ts'
import type { Seat } from './seat.ts'
import type { Seats } from './seats.ts'
import type { Listing } from './upstream/listing.ts'
import type { Upstream } from './upstream/upstream.ts'

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

  view(session: Session): View | undefined {
    return this.#options.catalog.view(session.facts.server, this.#overlay(session))
  }

  /** The lists of the session's own upstreams, as far as they are known. */
  #overlay(session: Session): Overlay | undefined {
    const found = this.#seats(session).flatMap((seat): [string, Listing][] => {
      const listing = seat.privateUpstream(session.caller)?.listing
      return listing ? [[seat.server.name, listing]] : []
    })
    return found.length === 0 ? undefined : new Map(found)
  }

  /** Whether what comes from this way to a server is for this session, too. */
  sees(session: Session, line: string): boolean {
    return this.#seats(session).some((seat) => seat.lineOf(session.caller) === line)
  }

  #seats({ facts }: Session): readonly Seat[] {
    const { seats } = this.#options
    if (facts.server === undefined) return [...seats]
    const seat = seats.get(facts.server)
    return seat ? [seat] : []
  }

  /**
   * The promise of the first lists of that address while they are worth waiting for, then also of those the session
   * alone is shown; undefined when all there is to know is known.
   */
  known(session: Session): Promise<void> | undefined {
    const own = this.#seats(session).flatMap((seat) => firstLists(seat, session))
    const shared = this.sharedKnown(session.facts.server)
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
function firstLists(seat: Seat, { caller }: Session): Promise<void>[] {
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
