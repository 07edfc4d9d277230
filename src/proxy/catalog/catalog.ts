import type { Server } from '../../config/profile.ts'
import type { Drift } from '../../shared/drift.ts'
import type { Log } from '../../shared/log.ts'
import type { Kind, Listing } from '../upstream/listing.ts'
import { Alarm } from './alarm.ts'
import type { List } from './list.ts'
import { type Offer, offerOf } from './offer.ts'
import { differing, OverlaidViews, type Overlay } from './overlay.ts'
import { bareView, mergedView, type View } from './view.ts'
import { type Watch, Watches } from './watches.ts'

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
  /** A server is not as it was locked. */
  readonly drifted: (drift: Drift) => void
}

/**
 * Visibility, routing and freshness in one place: the views of the group and of each server, built when first needed
 * after a change. Who watches a view is told of a change once it is in place, and only if its visible bytes differ.
 */
export class Catalog implements Disposable {
  readonly #options: CatalogOptions
  /** By what they are made of, so that those of servers that are gone or changed go with them. */
  readonly #offers = new WeakMap<Server, { readonly listing: Listing | undefined; readonly offer: Offer }>()
  readonly #views = new Map<string | undefined, View>()
  /** By name, in the order of the group; undefined after a change, until asked for. */
  #sources: ReadonlyMap<string, Source> | undefined
  /** Those that the group's own view was last held against. */
  #viewed: ReadonlyMap<string, Source> | undefined
  readonly #overlaid = new OverlaidViews()
  readonly #watches = new Watches()
  readonly #alarm: Alarm
  /** Those already warned about. */
  #conflicts: ReadonlySet<string> = new Set()

  constructor(options: CatalogOptions) {
    this.#options = options
    this.#alarm = new Alarm(options)
  }

  /**
   * The newest view of the group (undefined) or of one server; undefined when there is no such server. With an overlay
   * the same view, unless what it lists is something else than what all share.
   */
  view(server: string | undefined, overlay?: Overlay): View | undefined {
    const other = overlay && differing(overlay, (name) => this.#listing(name))
    if (other) return this.#overlaid.get(server, other, () => this.#build(server, other))
    return server === undefined ? this.#common() : this.#bare(server)
  }

  /** Made anew only if a server lists something else than before: one that has yet to come up changes nothing. */
  #common(): View {
    const sources = this.#present()
    const known = this.#views.get(undefined)
    if (known && this.#viewed === sources) return known
    this.#viewed = sources
    const view = known && this.#isStill(known) ? known : this.#merged(undefined)
    this.#views.set(undefined, view)
    return view
  }

  #isStill({ offers }: View): boolean {
    const before = offers.filter(({ listing }) => listing)
    const now = [...this.#present().values()].filter(({ listing }) => listing)
    return now.length === before.length && now.every((source, at) => this.offer(source) === before[at])
  }

  /** As long as the server offers the same it is the same view, whatever became of others. */
  #bare(server: string): View | undefined {
    const source = this.#source(server)
    if (!source) return undefined
    const offer = this.offer(source)
    const known = this.#views.get(server)
    const view = known?.offers[0] === offer ? known : bareView(offer)
    this.#views.set(server, view)
    return view
  }

  /** From now on changes of this address are told. */
  watch(server: string | undefined): void {
    if (this.#watches.has(server)) return
    const watch: Watch = {
      view: () => this.view(server),
      tell: (changed) => this.#options.changed(server, changed),
    }
    const view = this.view(server)
    if (view) this.#watches.add(server, watch, view.lists)
  }

  /** From now on `who`, with a view of its own, is told of changes against what `showed` says it has seen. */
  watchFor(who: object, watch: Watch): void {
    this.#watches.add(who, watch)
  }

  isWatchedBy(who: object): boolean {
    return this.#watches.has(who)
  }

  /** A legacy client that watches for itself has been given this list. */
  showed(who: object, kind: Kind, list: List): void {
    this.#watches.showed(who, kind, list)
  }

  forget(who: object): void {
    this.#watches.delete(who)
  }

  /** New lists, another order or another policy: the next look at a view sees them. */
  refresh(): void {
    this.#overlaid.clear()
    this.#sources = undefined
    this.#watches.later()
  }

  /** Whether somebody may still have to be told of a change. */
  get isTelling(): boolean {
    return this.#watches.isPending
  }

  /** Somebody's overlay is another one. */
  overlaid(): void {
    this.#watches.later()
  }

  #listing(server: string): Listing | undefined {
    return this.#source(server)?.listing
  }

  #source(server: string): Source | undefined {
    return this.#present().get(server)
  }

  /** Views of servers that are not there any more go. */
  #present(): ReadonlyMap<string, Source> {
    if (this.#sources) return this.#sources
    const sources = new Map(this.#options.sources().map((source) => [source.server.name, source]))
    for (const name of this.#views.keys()) if (name !== undefined && !sources.has(name)) this.#views.delete(name)
    this.#sources = sources
    return sources
  }

  #build(server: string | undefined, overlay: Overlay): View | undefined {
    if (server === undefined) return this.#merged(overlay)
    const source = this.#source(server)
    return source && bareView(this.#overlaidOffer(source, overlay))
  }

  #merged(overlay: Overlay | undefined): View {
    const view = mergedView([...this.#present().values()].map((source) => this.#overlaidOffer(source, overlay)))
    const conflicts = new Map(view.conflicts.map((conflict) => [JSON.stringify(conflict), conflict]))
    for (const [key, conflict] of conflicts)
      if (!this.#conflicts.has(key)) this.#options.log.warn('two items share a name', { ...conflict })
    this.#conflicts = new Set([...(overlay ? this.#conflicts : []), ...conflicts.keys()])
    return view
  }

  #overlaidOffer(source: Source, overlay: Overlay | undefined): Offer {
    const listing = overlay?.get(source.server.name)
    return listing ? this.#made({ server: source.server, listing }) : this.offer(source)
  }

  /** What a server offers. What did not change is not made again: neither its policy nor its lists. */
  offer({ server, listing }: Source): Offer {
    const known = this.#offers.get(server)
    if (known && known.listing === listing) return known.offer
    const offer = this.#made({ server, listing })
    this.#offers.set(server, { listing, offer })
    return offer
  }

  #made({ server, listing }: Source): Offer {
    const offer = offerOf(server, listing)
    this.#alarm.look(server, listing, offer.findings)
    return offer
  }

  [Symbol.dispose](): void {
    this.#watches[Symbol.dispose]()
    this.#views.clear()
  }
}
