import type { Server } from '../../config/profile.ts'
import type { Log } from '../../shared/log.ts'
import { type Kind, kinds, type Listing } from '../upstream/listing.ts'
import { type Offer, offerOf } from './offer.ts'
import { bareView, mergedView, type View } from './view.ts'

/** What the catalog is made of: the servers in the order of the group, with the newest lists of each. */
export interface Source {
  readonly server: Server
  readonly listing: Listing | undefined
}

export interface CatalogOptions {
  readonly sources: () => readonly Source[]
  readonly log: Log
  /** The visible lists of one address are other ones than before; `server` undefined: the group's own address. */
  readonly changed: (server: string | undefined, kinds: readonly Kind[]) => void
}

/** Between a change and telling of it: a server that changes one list often changes the next right after. */
const SETTLE = 100
const MOST_OFTEN = 1000

interface Announced {
  readonly lists: View['lists']
  readonly at: number
}

/**
 * Visibility, routing and freshness in one place: the views of the group and of each server, built when first needed
 * after a change. Who watches a view is told of a change once it is in place, and only if its visible bytes differ.
 */
export class Catalog implements Disposable {
  readonly #options: CatalogOptions
  readonly #offers = new Map<string, { readonly source: Source; readonly offer: Offer }>()
  readonly #views = new Map<string | undefined, View>()
  readonly #announced = new Map<string | undefined, Announced>()
  /** Those already warned about. */
  #conflicts: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined

  constructor(options: CatalogOptions) {
    this.#options = options
  }

  /** The newest view of the group (undefined) or of one server; undefined when there is no such server. */
  view(server: string | undefined): View | undefined {
    return this.#views.get(server) ?? this.#build(server)
  }

  /** From now on changes of this address are told. */
  watch(server: string | undefined): void {
    if (this.#announced.has(server)) return
    const view = this.view(server)
    if (view) this.#announced.set(server, { lists: view.lists, at: Number.NEGATIVE_INFINITY })
  }

  /** New lists, another order or another policy: the next look at a view builds it anew. */
  refresh(): void {
    this.#views.clear()
    this.#timer ??= setTimeout(() => this.#announce(), SETTLE)
  }

  #build(server: string | undefined): View | undefined {
    const view = server === undefined ? this.#merged() : this.#bare(server)
    if (view) this.#views.set(server, view)
    return view
  }

  #merged(): View {
    const view = mergedView(this.#options.sources().map((source) => this.offer(source)))
    const conflicts = new Map(view.conflicts.map((conflict) => [JSON.stringify(conflict), conflict]))
    for (const [key, conflict] of conflicts)
      if (!this.#conflicts.has(key)) this.#options.log.warn('two items share a name', { ...conflict })
    this.#conflicts = new Set(conflicts.keys())
    return view
  }

  #bare(server: string): View | undefined {
    const source = this.#options.sources().find((candidate) => candidate.server.name === server)
    return source && bareView(this.offer(source))
  }

  /** What a server offers. What did not change is not made again: neither its policy nor its lists. */
  offer({ server, listing }: Source): Offer {
    const known = this.#offers.get(server.name)
    if (known?.source.server === server && known.source.listing === listing) return known.offer
    const offer = offerOf(server, listing)
    this.#offers.set(server.name, { source: { server, listing }, offer })
    return offer
  }

  #announce(): void {
    this.#timer = undefined
    const now = performance.now()
    const waits = [...this.#announced].map(([server, announced]) => this.#announceOne(server, announced, now))
    const wait = Math.min(...waits)
    if (wait < Number.POSITIVE_INFINITY) this.#timer ??= setTimeout(() => this.#announce(), wait)
  }

  /** Returns after how many milliseconds to come back; infinity when there is nothing left to tell. */
  #announceOne(server: string | undefined, { lists, at }: Announced, now: number): number {
    const view = this.view(server)
    if (!view) return this.#forget(server)
    const changed = kinds.filter((kind) => !isSame(view.lists, lists, kind))
    if (changed.length === 0) return Number.POSITIVE_INFINITY
    if (now - at < MOST_OFTEN) return MOST_OFTEN - (now - at)
    this.#announced.set(server, { lists: view.lists, at: now })
    this.#options.changed(server, changed)
    return Number.POSITIVE_INFINITY
  }

  #forget(server: string | undefined): number {
    this.#announced.delete(server)
    return Number.POSITIVE_INFINITY
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#views.clear()
  }
}

/** Whether clients of neither era see a difference. */
function isSame(a: View['lists'], b: View['lists'], kind: Kind): boolean {
  return a.legacy[kind].equals(b.legacy[kind]) && a.modern[kind].equals(b.modern[kind])
}
