import type { Catalog } from '../catalog/catalog.ts'
import type { Session } from '../downstream/session.ts'
import type { Sessions } from '../downstream/sessions.ts'
import type { Asking } from '../mcp/exchange.ts'
import { INTERNAL_ERROR, RpcFailure, type RpcNotification, type RpcRequest, type RpcResponse } from '../mcp/rpc.ts'
import type { Way } from '../servers/seat.ts'
import type { Seats } from '../servers/seats.ts'
import { type Owner, serverOf, wayOf } from '../servers/sharing.ts'
import type { Upstream, UpstreamEvents } from '../upstream/upstream.ts'
import type { News } from './news.ts'
import type { Sight } from './sight.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Verbosity } from './verbosity.ts'

export interface PrivacyOptions {
  readonly seats: Seats
  readonly sessions: Sessions
  readonly catalog: Catalog
  readonly sight: Sight
  readonly news: News
  readonly subscriptions: Subscriptions
  readonly verbosity: Verbosity
}

/** Brings a client's own upstreams and its session together: what either says is for the other alone. */
export class Privacy {
  readonly #options: PrivacyOptions

  constructor(options: PrivacyOptions) {
    this.#options = options
  }

  /** What an owner's upstream tells. Its state is nobody else's concern. */
  events(owner: Owner): UpstreamEvents {
    const { catalog, news } = this.#options
    return {
      changed: () => {},
      listed: () => catalog.overlaid(),
      notified: ({ name }, notification) => news.heard(wayOf(name, owner), notification),
    }
  }

  sessionOf({ session }: Owner): Session | undefined {
    return session === undefined ? undefined : this.#options.sessions.named(session)
  }

  /** Puts to an owner what its server asks outside of any call. Rejects with RpcFailure when it cannot be asked. */
  async ask(owner: Owner, request: RpcRequest, asking: Asking): Promise<RpcResponse> {
    const session = this.sessionOf(owner)
    if (!session) throw new RpcFailure(INTERNAL_ERROR, 'The client is not connected')
    return session.ask(request, undefined, asking)
  }

  /** A new upstream knows nothing yet of what its client wants; and from now on that client has lists of its own. */
  opened({ name, owner }: Way): void {
    const session = owner && this.sessionOf(owner)
    if (!session) return
    const { catalog, sight, news, subscriptions, verbosity } = this.#options
    catalog.watchFor(session, { view: () => sight.view(session), tell: (changed) => news.told(session, changed) })
    subscriptions.replay(name)
    if (session.level !== undefined) verbosity.later()
  }

  /** The upstream a way to a server leads to; a private one is opened if need be. */
  upstreamAt(way: string): Upstream | undefined {
    const { seats, sessions } = this.#options
    const seat = seats.get(serverOf(way))
    if (!seat) return undefined
    for (const { name, upstream } of seat.ways()) if (name === way) return upstream
    for (const { caller } of sessions) if (seat.wayOf(caller) === way) return seat.open(caller)
    return undefined
  }

  /**
   * What a client says to its servers goes to those it has for itself; to one it shares with others only on that
   * server's own address, and never that its roots are others: a shared server knows of none.
   */
  tell(session: Session, notification: RpcNotification): void {
    const { seats, sight } = this.#options
    const isAboutRoots = notification.method === 'notifications/roots/list_changed'
    const isLone = session.facts.server !== undefined && !isAboutRoots
    for (const { name, owner, upstream } of seats.ways())
      if ((owner || isLone) && sight.sees(session, name)) void upstream.tell(notification)
  }

  /** The client listens again: what was closed while nobody did, and is still wished for, is opened. */
  listening({ caller }: Session): void {
    const { seats, subscriptions } = this.#options
    for (const seat of seats) if (seat.ownerOf(caller)) subscriptions.replay(seat.wayOf(caller))
  }

  ended(session: Session): void {
    const { seats, catalog } = this.#options
    catalog.forget(session)
    for (const seat of seats.parted()) seat.leave(session.facts.sid)
  }
}
