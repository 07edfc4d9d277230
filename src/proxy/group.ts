import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Group as GroupConfig } from '../config/profile.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import type { ProxyState } from '../shared/status.ts'
import { Belongings } from './audience/belongings.ts'
import { News } from './audience/news.ts'
import { Privacy } from './audience/privacy.ts'
import { Sight } from './audience/sight.ts'
import { Subscriptions } from './audience/subscriptions.ts'
import { Verbosity } from './audience/verbosity.ts'
import { Parking } from './bridge/parking.ts'
import { Catalog, type CatalogOptions } from './catalog/catalog.ts'
import { epochOf } from './catalog/epoch.ts'
import { Greeter } from './catalog/greeter.ts'
import type { Identity } from './catalog/handshake.ts'
import { LearnedUris } from './catalog/learned.ts'
import { type Guard, guardOf } from './downstream/guard.ts'
import { Listens } from './downstream/listens.ts'
import { Pulse } from './downstream/pulse.ts'
import { sealerOf } from './downstream/sealer.ts'
import { serving } from './downstream/serving.ts'
import type { Session } from './downstream/session.ts'
import { Sessions } from './downstream/sessions.ts'
import { proxyState } from './health.ts'
import type { GroupUpdate } from './protocol.ts'
import { Elicitations } from './relay/elicitations.ts'
import { Relay } from './relay/relay.ts'
import { Tasks } from './relay/tasks.ts'
import { type Report, Reporter, type ReportNews, serverStatus } from './report.ts'
import { Connector } from './servers/connector.ts'
import type { Seat } from './servers/seat.ts'
import { Seats } from './servers/seats.ts'
import { SnapshotFolder } from './upstream/snapshot-folder.ts'
import type { UpstreamEvents } from './upstream/upstream.ts'

export interface GroupOptions extends Pick<CatalogOptions, 'drifted'> {
  readonly group: GroupConfig
  readonly generation: number
  readonly secrets: readonly string[]
  readonly identity: Identity
  readonly sessionKey: string
  readonly owner: string
  readonly env: Env
  readonly log: Log
  readonly report: (news: ReportNews) => void
}

interface NextConfig extends Pick<GroupOptions, 'generation' | 'secrets'> {
  readonly group: GroupUpdate
}

/** Everything one proxy serves: its servers, what they offer together, and the sessions of those who use it. */
export class Group implements AsyncDisposable {
  readonly #options: GroupOptions
  readonly #pulse = new Pulse()
  readonly #parking = new Parking()
  readonly #learned = new LearnedUris()
  readonly #tasks = new Tasks()
  readonly #elicitations = new Elicitations()
  readonly #reporter: Reporter
  readonly #seats: Seats
  readonly #catalog: Catalog
  readonly #sight: Sight
  readonly #greeter: Greeter
  readonly #sessions: Sessions
  readonly #subscriptions: Subscriptions
  readonly #listens: Listens
  readonly #news: News
  readonly #verbosity: Verbosity
  readonly #privacy: Privacy
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void
  #config: GroupConfig
  #guard: Guard
  #generation: number
  #secrets: readonly string[]
  #state: ProxyState = 'starting'

  constructor(options: GroupOptions) {
    this.#options = options
    this.#config = options.group
    this.#generation = options.generation
    this.#secrets = options.secrets
    this.#guard = guardOf(options.group)
    this.#reporter = new Reporter(() => this.#report(), options.report)
    const connector = this.#makeConnector()
    this.#seats = new Seats(options.group.servers, {
      connect: (server, owner) => connector.connect(server, owner),
      swapped: (seat) => this.#swapped(seat),
      opened: (way) => this.#privacy.opened(way),
      isAttended: (owner) => this.#privacy.sessionOf(owner)?.stream !== undefined,
      settled: () => this.#settled(),
    })
    this.#catalog = this.#makeCatalog()
    this.#sight = new Sight({ catalog: this.#catalog, seats: this.#seats, listWait: () => this.#config.listWait })
    this.#greeter = this.#makeGreeter()
    this.#subscriptions = this.#makeSubscriptions()
    this.#sessions = this.#makeSessions()
    this.#listens = this.#makeListens()
    this.#news = this.#makeNews()
    this.#verbosity = new Verbosity({ ...this.#audience(), log: options.log })
    this.#privacy = new Privacy({ ...this.#audience(), news: this.#news, verbosity: this.#verbosity })
    this.#serve = this.#makeServe()
    this.#reporter.changed()
  }

  #makeConnector(): Connector {
    return new Connector({
      ...this.#options,
      parking: this.#parking,
      snapshots: new SnapshotFolder({ path: join(this.#options.owner, 'catalog'), secrets: () => this.#secrets }),
      privacy: () => this.#privacy,
      events: this.#events,
    })
  }

  #makeNews(): News {
    const belongings = new Belongings({ tasks: this.#tasks, elicitations: this.#elicitations })
    return new News({ ...this.#audience(), listens: this.#listens, belongings })
  }

  #audience() {
    const told = { sessions: this.#sessions, subscriptions: this.#subscriptions }
    return { ...told, seats: this.#seats, sight: this.#sight, catalog: this.#catalog }
  }

  #makeCatalog(): Catalog {
    return new Catalog({
      ...this.#options,
      sources: () => [...this.#seats].filter(({ server }) => server.enabled),
      changed: (server, changed) => this.#news.listsChanged(server, changed),
    })
  }

  #makeGreeter(): Greeter {
    return new Greeter({
      catalog: this.#catalog,
      identity: this.#options.identity,
      known: (server) => this.#sight.sharedKnown(server),
      freshness: () => ({ age: (server) => this.#age(server), isPublic: this.#config.auth.type === 'none' }),
      learned: (uri) => this.#learned.find(uri),
    })
  }

  #makeSubscriptions(): Subscriptions {
    return new Subscriptions({
      upstream: (way) => this.#privacy.upstreamAt(way),
      failed: (server, reason) =>
        this.#options.log.warn('subscription not changed', { server, error: messageOf(reason) }),
    })
  }

  #makeSessions(): Sessions {
    return new Sessions({
      sealer: sealerOf(this.#options.sessionKey),
      group: this.#config.name,
      most: () => this.#config.limits.maxSessions,
      ended: (session) => {
        this.#subscriptions.end(session)
        this.#privacy.ended(session)
        if (session.level !== undefined) this.#verbosity.later()
      },
      tell: (session, notification) => this.#privacy.tell(session, notification),
    })
  }

  #makeListens(): Listens {
    return new Listens({
      pulse: this.#pulse,
      subscriptions: this.#subscriptions,
      most: () => this.#config.limits.maxSessions,
      watch: (server) => this.#greeter.address(server),
    })
  }

  #makeServe() {
    const relay = new Relay({
      greeter: this.#greeter,
      learned: this.#learned,
      tasks: this.#tasks,
      elicitations: this.#elicitations,
      sight: this.#sight,
      showed: (session, kind, list) => this.#catalog.showed(session, kind, list),
      subscriptions: this.#subscriptions,
      seat: (server) => this.#seats.get(server),
      setLevel: (session, level) => this.#verbosity.set(session, level),
      wantLevel: (way, level) => this.#verbosity.want(way, level),
      divert: (way, notification, call) => this.#news.divert(way, notification, call),
      log: this.#options.log,
    })
    return serving({
      relay,
      sessions: this.#sessions,
      listens: this.#listens,
      pulse: this.#pulse,
      guard: () => this.#guard,
      initialize: (facts) => this.#greeter.initialize(facts),
      listening: (session) => this.#listening(session),
      limits: () => this.#config.limits,
      isServed: (server) => this.#isServed(server),
      isReady: () => this.#state === 'ready' || this.#state === 'degraded',
      log: this.#options.log,
    })
  }

  /** Answers one HTTP request of the group's port. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void> | void {
    return this.#serve(request, response)
  }

  /** Takes over another configuration; resolves when what it added or changed serves, or has failed once. */
  async configure({ group, generation, secrets }: NextConfig): Promise<void> {
    const servers = this.#seats.whole(group.servers)
    this.#config = { ...group, servers }
    this.#generation = generation
    this.#secrets = secrets
    this.#guard = guardOf(this.#config)
    const { settled } = this.#seats.configure(servers)
    this.#listens.prune((server) => this.#isServed(server))
    this.#changed()
    await settled
    this.#changed()
  }

  /** From now on the state is `draining`: probes say so, streams end; what is in flight goes on. */
  drain(): void {
    this.#state = 'draining'
    for (const session of this.#sessions) session.stream?.end()
    this.#listens.end()
    this.#reporter.flush()
  }

  #isServed(server: string | undefined): boolean {
    return server === undefined || this.#seats.get(server)?.server.enabled === true
  }

  /** What an upstream that no longer serves has to say concerns nobody. */
  readonly #events: UpstreamEvents = {
    changed: () => this.#reporter.changed(),
    listed: () => this.#changed(),
    notified: (upstream, notification) => {
      if (this.#seats.get(upstream.name)?.upstream === upstream) this.#news.heard(upstream.name, notification)
    },
  }

  #changed(): void {
    this.#catalog.refresh()
    this.#reporter.changed()
  }

  /** A server that came (or failed) for the first time has not heard what sessions want of it. */
  #settled(): void {
    this.#verbosity.later()
    this.#reporter.changed()
  }

  #swapped(seat: Seat): void {
    const { name } = seat.server
    this.#subscriptions.replay(name)
    this.#verbosity.later()
    this.#changed()
  }

  /** Milliseconds since the server's lists were last known to be its newest. */
  #age(server: string): number {
    return performance.now() - (this.#seats.get(server)?.upstream?.confirmedAt ?? Number.NEGATIVE_INFINITY)
  }

  #listening(session: Session): void {
    this.#catalog.watch(session.facts.server)
    this.#news.listening(session)
    this.#privacy.listening(session)
  }

  #report(): Report {
    const health = [...this.#seats].map(({ server: { required }, state, isSettled }) => ({
      state,
      required,
      isSettled,
    }))
    this.#state = proxyState(health, this.#state)
    const seats = [...this.#seats].map((seat) => ({ seat, offer: this.#catalog.offer(seat) }))
    const servers = seats.map(({ seat, offer }) => serverStatus(seat, offer, this.#secrets))
    const catalog = { epoch: epochOf(seats.map(({ offer }) => offer)) }
    return { generation: this.#generation, state: this.#state, catalog, servers }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions[Symbol.dispose]()
    await this.#seats[Symbol.asyncDispose]()
    this.#catalog[Symbol.dispose]()
    this.#reporter[Symbol.dispose]()
    this.#parking[Symbol.dispose]()
    this.#pulse[Symbol.dispose]()
  }
}
