import { join } from 'node:path'
import type { Group as GroupConfig } from '../config/profile.ts'
import { messageOf } from '../shared/errors.ts'
import type { ProxyState } from '../shared/status.ts'
import { Belongings } from './audience/belongings.ts'
import { Memory } from './audience/memory.ts'
import { News } from './audience/news.ts'
import { Privacy } from './audience/privacy.ts'
import { Remembered } from './audience/remembered.ts'
import { Sight } from './audience/sight.ts'
import { Subscriptions } from './audience/subscriptions.ts'
import { Verbosity } from './audience/verbosity.ts'
import { Parking } from './bridge/parking.ts'
import { Catalog } from './catalog/catalog.ts'
import { Greeter } from './catalog/greeter.ts'
import { LearnedUris } from './catalog/learned.ts'
import { type Guard, guardOf } from './downstream/guard.ts'
import { Listens } from './downstream/listens.ts'
import { Pulse } from './downstream/pulse.ts'
import { sealerOf } from './downstream/sealer.ts'
import { serving } from './downstream/serving.ts'
import type { Session } from './downstream/session.ts'
import { Sessions } from './downstream/sessions.ts'
import type { Coming, GroupOptions } from './group-options.ts'
import { healthOf, proxyState } from './health.ts'
import type { Serve } from './listener.ts'
import { Elicitations } from './relay/elicitations.ts'
import { Relay } from './relay/relay.ts'
import { Tasks } from './relay/tasks.ts'
import { type Report, Reporter, serversOf } from './report.ts'
import { Connector } from './servers/connector.ts'
import type { Seat } from './servers/seat.ts'
import { Seats } from './servers/seats.ts'
import { type Estate, estateOf } from './succession/estate.ts'
import { SnapshotFolder } from './upstream/snapshot-folder.ts'
import type { UpstreamEvents } from './upstream/upstream.ts'

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
  readonly #memory: Memory
  readonly #remembered: Remembered
  readonly #serving: ReturnType<typeof serving>
  #config: GroupConfig
  #guard: Guard
  #generation: number
  #state: ProxyState = 'starting'

  constructor(options: GroupOptions) {
    this.#options = options
    this.#config = options.group
    this.#generation = options.generation
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
    this.#memory = new Memory({ ...options, path: join(options.owner, 'sessions') })
    this.#sessions = this.#makeSessions()
    this.#listens = this.#makeListens()
    this.#news = this.#makeNews()
    this.#verbosity = new Verbosity({ ...this.#audience(), log: options.log })
    this.#privacy = new Privacy({ ...this.#audience(), news: this.#news, verbosity: this.#verbosity })
    this.#remembered = new Remembered({ ...this.#audience(), memory: this.#memory, verbosity: this.#verbosity })
    this.#serving = this.#makeServing()
    this.#reporter.changed()
  }

  #makeConnector(): Connector {
    return new Connector({
      ...this.#options,
      parking: this.#parking,
      snapshots: new SnapshotFolder({ path: join(this.#options.owner, 'catalog'), secrets: this.#options.secrets }),
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
    const { log } = this.#options
    return new Subscriptions({
      upstream: (way) => this.#privacy.upstreamAt(way),
      failed: (server, reason) => log.warn('subscription not changed', { server, error: messageOf(reason) }),
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
      reopened: (session) => this.#remembered.reopened(session),
      deleted: (session) => this.#memory.forget(session),
      elsewhere: this.#options.succession.elsewhere,
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

  #makeServing() {
    const relay = new Relay({
      greeter: this.#greeter,
      learned: this.#learned,
      tasks: this.#tasks,
      elicitations: this.#elicitations,
      sight: this.#sight,
      showed: (session, kind, list) => this.#catalog.showed(session, kind, list),
      wishes: this.#remembered,
      seat: (server) => this.#seats.get(server),
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
      wishesOf: (session) => this.#memory.wishesOf(session),
      limits: () => this.#config.limits,
      isServed: (server) => this.#isServed(server),
      isReady: () => this.#state === 'ready' || this.#state === 'degraded',
      log: this.#options.log,
    })
  }

  /** Answers one HTTP request of the group's port. */
  get serve(): Serve {
    return this.#serving.serve
  }

  /** Where a coming configuration is prepared. */
  get seats(): Pick<Seats, 'whole' | 'prepare' | 'abort'> {
    return this.#seats
  }

  /** It is in force from now on, with what was prepared for it. */
  commit({ group, generation }: Coming): void {
    this.#config = group
    this.#generation = generation
    this.#guard = guardOf(group)
    this.#seats.commit(group.servers)
    this.#listens.prune((server) => this.#isServed(server))
    this.#settled()
  }

  /** What another generation takes over, or took over from. */
  get estate(): Estate {
    return estateOf({
      ...this.#audience(),
      ...this.#serving,
      listens: this.#listens,
      news: this.#news,
      wishes: this.#remembered,
      epoch: () => this.#report().catalog.epoch,
    })
  }

  /** From now on the state is `draining`, and probes say so; what is in flight goes on. */
  drain(): void {
    this.#state = 'draining'
    this.#reporter.flush()
  }

  /** The streams of clients end in peace. */
  endStreams(): void {
    for (const session of this.#sessions) session.stream?.end()
    this.#listens.end()
  }

  #isServed(server: string | undefined): boolean {
    return server === undefined || this.#seats.get(server)?.server.enabled === true
  }

  /** What an upstream that no longer serves has to say concerns nobody. */
  readonly #events: UpstreamEvents = {
    changed: ({ name }) => {
      // The first of them start while the seats are being made.
      this.#seats?.get(name)?.advance()
      this.#reporter.changed()
    },
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
    this.#changed()
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
    this.#state = proxyState(healthOf(this.#seats), this.#state)
    const told = serversOf(this.#seats, (seat) => this.#catalog.offer(seat), this.#options.secrets())
    return { generation: this.#generation, state: this.#state, ...told }
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
