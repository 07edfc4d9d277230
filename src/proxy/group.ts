import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Group as GroupConfig, Server } from '../config/profile.ts'
import { within } from '../shared/async.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import type { ProxyState } from '../shared/status.ts'
import { Parking } from './bridge/parking.ts'
import { Catalog } from './catalog/catalog.ts'
import { Greeter } from './catalog/greeter.ts'
import type { Identity } from './catalog/handshake.ts'
import { LearnedUris } from './catalog/learned.ts'
import { Endpoint } from './downstream/endpoint.ts'
import { type Guard, guardOf } from './downstream/guard.ts'
import type { LegacyOptions } from './downstream/incoming.ts'
import { LegacyEndpoint } from './downstream/legacy.ts'
import { Listens } from './downstream/listens.ts'
import { ModernEndpoint } from './downstream/modern.ts'
import { Pulse } from './downstream/pulse.ts'
import { serveRoutes } from './downstream/routes.ts'
import { sealerOf } from './downstream/sealer.ts'
import type { Session } from './downstream/session.ts'
import { Sessions } from './downstream/sessions.ts'
import { SseEndpoint } from './downstream/sse.ts'
import { proxyState } from './health.ts'
import { News } from './news.ts'
import { Relay } from './relay.ts'
import { type Report, Reporter, serverStatus } from './report.ts'
import type { Seat } from './seat.ts'
import { Seats } from './seats.ts'
import { Subscriptions } from './subscriptions.ts'
import { Tasks } from './tasks.ts'
import { sharedCapabilities } from './upstream/handshake.ts'
import { Upstream, type UpstreamEvents } from './upstream/upstream.ts'
import { Verbosity } from './verbosity.ts'

export interface GroupOptions {
  readonly group: GroupConfig
  readonly generation: number
  readonly secrets: readonly string[]
  readonly identity: Identity
  readonly sessionKey: string
  readonly owner: string
  readonly env: Env
  readonly log: Log
  readonly report: (report: Report) => void
}

/** Everything one proxy serves: its servers, what they offer together, and the sessions of those who use it. */
export class Group implements AsyncDisposable {
  readonly #options: GroupOptions
  readonly #pulse = new Pulse()
  readonly #parking = new Parking()
  readonly #learned = new LearnedUris()
  readonly #reporter: Reporter
  readonly #seats: Seats
  readonly #catalog: Catalog
  readonly #greeter: Greeter
  readonly #sessions: Sessions
  readonly #subscriptions: Subscriptions
  readonly #listens: Listens
  readonly #news: News
  readonly #verbosity: Verbosity
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  #config: GroupConfig
  #guard: Guard
  #generation: number
  #secrets: readonly string[]
  #state: ProxyState = 'starting'
  /** While first lists are waited for; undefined once that is over, for good. */
  #firstLists: Promise<void> | undefined

  constructor(options: GroupOptions) {
    this.#options = options
    this.#config = options.group
    this.#generation = options.generation
    this.#secrets = options.secrets
    this.#guard = guardOf(options.group)
    this.#reporter = new Reporter(() => this.#report(), options.report)
    this.#seats = new Seats(options.group.servers, {
      connect: (server) => this.#connect(server),
      swapped: (seat) => this.#swapped(seat),
      settled: () => this.#settled(),
    })
    this.#catalog = this.#makeCatalog()
    this.#greeter = this.#makeGreeter()
    this.#subscriptions = this.#makeSubscriptions()
    this.#sessions = this.#makeSessions()
    this.#listens = this.#makeListens()
    this.#news = new News({ sessions: this.#sessions, listens: this.#listens, subscriptions: this.#subscriptions })
    this.#verbosity = new Verbosity({ sessions: this.#sessions, seats: this.#seats, log: options.log })
    this.#serve = this.#makeServe()
    this.#firstLists = this.#waitForFirstLists()
    this.#reporter.changed()
  }

  #makeCatalog(): Catalog {
    return new Catalog({
      sources: () => [...this.#seats].filter(({ server }) => server.enabled),
      log: this.#options.log,
      changed: (server, changed) => this.#news.listsChanged(server, changed),
    })
  }

  #makeGreeter(): Greeter {
    return new Greeter({
      catalog: this.#catalog,
      identity: this.#options.identity,
      known: (server) => this.#known(server),
      freshness: () => ({ age: (server) => this.#age(server), isPublic: this.#config.auth.type === 'none' }),
      learned: (uri) => this.#learned.find(uri),
    })
  }

  #makeSubscriptions(): Subscriptions {
    return new Subscriptions({
      upstream: (server) => this.#seats.get(server)?.upstream,
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
        if (session.level !== undefined) this.#verbosity.later()
      },
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
      tasks: new Tasks(),
      subscriptions: this.#subscriptions,
      seat: (server) => this.#seats.get(server),
      known: (server) => this.#known(server),
      setLevel: (session, level) => this.#verbosity.set(session, level),
      wantLevel: (server, level) => this.#verbosity.want(server, level),
      divert: (server, notification) => this.#news.divert(server, notification),
      log: this.#options.log,
    })
    const legacy: LegacyOptions = {
      sessions: this.#sessions,
      relay,
      pulse: this.#pulse,
      initialize: (facts) => this.#greeter.initialize(facts),
      listening: (session) => this.#listening(session),
    }
    const endpoint = new Endpoint({
      legacy: new LegacyEndpoint(legacy),
      sse: new SseEndpoint(legacy),
      modern: this.#makeModern(relay),
      maxBody: () => this.#config.limits.maxBody,
      isServed: (server) => server === undefined || this.#seats.get(server)?.server.enabled === true,
    })
    const isReady = () => this.#state === 'ready' || this.#state === 'degraded'
    return serveRoutes({ guard: () => this.#guard, endpoint, isReady }, (error) =>
      this.#options.log.error('request failed', { error: messageOf(error) }),
    )
  }

  #makeModern(relay: Relay): ModernEndpoint {
    return new ModernEndpoint({
      relay,
      listens: this.#listens,
      pulse: this.#pulse,
      principal: (request) => this.#guard.principal(request),
    })
  }

  /** Answers one HTTP request of the group's port. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#serve(request, response)
  }

  /** Takes over another configuration; resolves when what it added or changed serves, or has failed once. */
  async configure({ group, generation, secrets }: Pick<GroupOptions, 'group' | 'generation' | 'secrets'>) {
    this.#config = group
    this.#generation = generation
    this.#secrets = secrets
    this.#guard = guardOf(group)
    const { settled } = this.#seats.configure(group.servers)
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

  #connect(server: Server): Upstream {
    const { owner, env, identity, log } = this.#options
    const { name, version } = identity
    const declares = { capabilities: sharedCapabilities, clientInfo: { name, version } }
    return new Upstream({
      server,
      owner,
      env,
      declares,
      version,
      log,
      parking: this.#parking,
      events: this.#events,
    })
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
    void this.#verbosity.spread()
    this.#reporter.changed()
  }

  #swapped(seat: Seat): void {
    const { name } = seat.server
    this.#subscriptions.replay(name)
    void this.#verbosity.spread()
    this.#changed()
  }

  /** The promise of the first lists of that address while they are worth waiting for; undefined ever after. */
  #known(server: string | undefined): Promise<void> | undefined {
    if (!this.#firstLists || server === undefined) return this.#firstLists
    const seat = this.#seats.get(server)
    if (!seat || seat.listing || seat.isSettled) return undefined
    return Promise.race([this.#firstLists, seat.settled()])
  }

  #waitForFirstLists(): Promise<void> {
    return within(this.#config.listWait, this.#seats.settled(), undefined).then(() => {
      this.#firstLists = undefined
    })
  }

  /** Milliseconds since the server's lists were last known to be its newest. */
  #age(_server: string): number {
    return Number.POSITIVE_INFINITY
  }

  #listening(session: Session): void {
    this.#catalog.watch(session.facts.server)
    this.#news.listening(session)
  }

  #report(): Report {
    const health = [...this.#seats].map(({ server, state, isSettled }) => ({
      state,
      required: server.required,
      isSettled,
    }))
    this.#state = proxyState(health, this.#state)
    const servers = [...this.#seats].map((seat) => serverStatus(seat, this.#catalog.offer(seat), this.#secrets))
    return { generation: this.#generation, state: this.#state, servers }
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
