import { isDeepStrictEqual } from 'node:util'
import type { Server } from '../../config/profile.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Connection } from './connection.ts'
import type { Listing } from './listing.ts'
import { announcesChanges, fetchListing, shortestLife } from './lists.ts'
import { Refresher } from './refresher.ts'
import type { Snapshot } from './snapshot.ts'
import type { Timing } from './timing.ts'

export interface InventoryOptions {
  readonly server: Server
  readonly snapshot: Snapshot
  readonly timing: Pick<Timing, 'debounce' | 'refetch' | 'revalidate'>
  readonly log: Log
  /** The ready connection, while there is one. */
  readonly connection: () => Connection | undefined
  /** Other lists than before are in place. */
  readonly changed: () => void
}

/**
 * What one server offers, as far as it is known: from the last start at first, from the server as soon as it has
 * answered; and when it is asked again, which `cache.mode` decides.
 */
export class Inventory implements Disposable {
  readonly #options: InventoryOptions
  readonly #refresher: Refresher
  #listing: Listing | undefined
  #confirmedAt: number | undefined
  #isRefused = false
  /** From when on a look at the lists has them asked for anew, in milliseconds of `performance.now()`. */
  #dueAt = Number.POSITIVE_INFINITY

  constructor(options: InventoryOptions) {
    const { timing, log } = options
    this.#options = options
    this.#refresher = new Refresher({ timing, log, fetch: () => this.#refetch() })
  }

  /** Kept (stale) while the server is away. */
  get listing(): Listing | undefined {
    return this.#listing
  }

  /** When the server itself last confirmed it. */
  get confirmedAt(): number | undefined {
    return this.#confirmedAt
  }

  /** Takes what is known from the last start, unless the server was faster. Never rejects. */
  async recall(): Promise<void> {
    const listing = await this.#options.snapshot.listing()
    if (listing === undefined || this.#listing !== undefined || this.#isRefused) return
    this.#listing = listing
    this.#options.changed()
  }

  /** Asks for everything; rejects when the way to the server fails. */
  async fetch(connection: Connection, signal: AbortSignal): Promise<void> {
    const { log, changed, snapshot } = this.#options
    let isWhole = true
    const refused = (): void => {
      isWhole = false
    }
    const fetched = await fetchListing({ connection, signal, previous: this.#listing, log, refused })
    if (signal.aborted) return
    const known = this.#listing
    const isNews = known === undefined || !isDeepStrictEqual(known, fetched)
    // What did not change stays the same object: nothing that was made of it is made again.
    const listing = isNews ? fetched : known
    this.#listing = listing
    this.#isRefused = false
    this.#confirmed(listing, isWhole)
    connection.listed(listing.tools)
    snapshot.keep(listing)
    if (isNews) changed()
  }

  /** The server said that something changed, or may have. */
  stale(): void {
    this.#refresher.stale()
  }

  /** Fetches at once; who asks in the meantime waits for the same lists. Rejects when they cannot be had. */
  relist(): Promise<void> {
    return this.#refresher.now()
  }

  /**
   * Somebody is about to be shown the lists, at `now` in milliseconds of `performance.now()`. Undefined unless they
   * are to be waited for; lists that cannot be had stay what they are (MCP: Caching allows that), so it never rejects.
   */
  look(now: number): Promise<void> | undefined {
    if (now < this.#dueAt || this.#options.connection() === undefined) return undefined
    if (this.#options.server.cache.mode === 'strict') return this.#asked()
    this.#dueAt = now + this.#options.timing.revalidate
    this.#refresher.stale()
    return undefined
  }

  /**
   * The server does not accept the credentials any more, and what it said to them before is no other client's to see:
   * another start shows nothing, nor does this one if it has only been told by the last.
   */
  refused(): void {
    this.#isRefused = true
    this.#options.snapshot.withdraw()
    if (this.#confirmedAt !== undefined || this.#listing === undefined) return
    this.#listing = undefined
    this.#options.changed()
  }

  [Symbol.dispose](): void {
    this.#refresher[Symbol.dispose]()
  }

  async #refetch(): Promise<void> {
    const { connection, server } = this.#options
    const ready = connection()
    if (ready) await this.fetch(ready, AbortSignal.timeout(server.timeouts.connect))
  }

  async #asked(): Promise<void> {
    try {
      await this.#refresher.now()
    } catch (error) {
      const { log, timing } = this.#options
      log.warn('lists could not be fetched anew', { reason: messageOf(error) })
      // Not every look at them waits for a server that does not answer.
      this.#dueAt = performance.now() + timing.revalidate
    }
  }

  #confirmed(listing: Listing, isWhole: boolean): void {
    const { server, timing } = this.#options
    const life = shortestLife(listing)
    const now = performance.now()
    this.#confirmedAt = now
    if (isWhole) this.#refresher.expires(server.cache.mode === 'swr' ? life : undefined)
    else this.#refresher.failed()
    this.#dueAt = now + lookAfter[server.cache.mode]({ listing, life, silence: timing.revalidate })
  }
}

interface Lifespan {
  readonly listing: Listing
  /** What the server says, in milliseconds. */
  readonly life: number | undefined
  /** What is given to a server that says nothing at all. */
  readonly silence: number
}

/** After how many milliseconds a look at the lists has them asked for anew. */
const lookAfter = {
  // One that says how long they hold is asked again then, whether anybody looks or not; one that announces changes, then.
  swr: ({ listing, life, silence }) =>
    life !== undefined || announcesChanges(listing.capabilities) ? Number.POSITIVE_INFINITY : silence,
  strict: ({ life }) => life ?? 0,
  notify: () => Number.POSITIVE_INFINITY,
} as const satisfies Record<Server['cache']['mode'], (lifespan: Lifespan) => number>
