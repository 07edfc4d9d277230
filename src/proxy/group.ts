import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Group as GroupConfig } from '../config/profile.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import type { ProxyState } from '../shared/status.ts'
import { Belongings } from './belongings.ts'
import { Parking } from './bridge/parking.ts'
import { Catalog } from './catalog/catalog.ts'
import { type Identity, initializeResult } from './catalog/handshake.ts'
import { LearnedUris } from './catalog/learned.ts'
import { Connector } from './connector.ts'
import { Endpoint } from './downstream/endpoint.ts'
import { type Guard, guardOf } from './downstream/guard.ts'
import { LegacyEndpoint } from './downstream/legacy.ts'
import { ModernEndpoint } from './downstream/modern.ts'
import { Pulse } from './downstream/pulse.ts'
import { serveRoutes } from './downstream/routes.ts'
import { type SessionFacts, sealerOf } from './downstream/sealer.ts'
import type { Session } from './downstream/session.ts'
import { Sessions } from './downstream/sessions.ts'
import { Elicitations } from './elicitations.ts'
import { proxyState } from './health.ts'
import { News } from './news.ts'
import { Privacy } from './privacy.ts'
import { Relay } from './relay.ts'
import { type Report, Reporter, serverStatus } from './report.ts'
import { INVALID_PARAMS, type Params, RpcFailure } from './rpc.ts'
import type { Seat } from './seat.ts'
import { Seats } from './seats.ts'
import { Sight } from './sight.ts'
import { Subscriptions } from './subscriptions.ts'
import { Tasks } from './tasks.ts'
import type { UpstreamEvents } from './upstream/upstream.ts'
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
  readonly #tasks = new Tasks()
  readonly #elicitations = new Elicitations()
  readonly #reporter: Reporter
  readonly #seats: Seats
  readonly #catalog: Catalog
  readonly #sight: Sight
  readonly #sessions: Sessions
  readonly #subscriptions: Subscriptions
  readonly #news: News
  readonly #verbosity: Verbosity
  readonly #privacy: Privacy
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>
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
      opened: (line) => this.#privacy.opened(line),
      isAttended: (owner) => this.#privacy.sessionOf(owner)?.stream !== undefined,
      settled: () => this.#settled(),
    })
    this.#catalog = this.#makeCatalog()
    this.#sight = this.#makeSight()
    this.#subscriptions = this.#makeSubscriptions()
    this.#sessions = this.#makeSessions()
    this.#news = this.#makeNews()
    this.#verbosity = this.#makeVerbosity()
    this.#privacy = this.#makePrivacy()
    this.#serve = this.#makeServe()
    this.#reporter.changed()
  }

  #makeConnector(): Connector {
    return new Connector({
      ...this.#options,
      parking: this.#parking,
      events: (owner) => (owner ? this.#privacy.events(owner) : this.#events),
      ask: (owner, request, asking) => this.#privacy.ask(owner, request, asking),
    })
  }

  #makeSight(): Sight {
    return new Sight({ catalog: this.#catalog, seats: this.#seats, listWait: () => this.#config.listWait })
  }

  #makeNews(): News {
    return new News({
      sessions: this.#sessions,
      subscriptions: this.#subscriptions,
      sees: (session, line) => this.#sight.sees(session, line),
      isApart: (session) => this.#catalog.isWatchedBy(session),
      belongings: new Belongings({ tasks: this.#tasks, elicitations: this.#elicitations }),
    })
  }

  #makeVerbosity(): Verbosity {
    return new Verbosity({
      sessions: this.#sessions,
      lines: () => this.#seats.lines(),
      sees: (session, line) => this.#sight.sees(session, line),
      log: this.#options.log,
    })
  }

  #makeCatalog(): Catalog {
    return new Catalog({
      sources: () => [...this.#seats].filter(({ server }) => server.enabled),
      log: this.#options.log,
      changed: (server, changed) => this.#news.listsChanged(server, changed),
    })
  }

  #makeSubscriptions(): Subscriptions {
    return new Subscriptions({
      upstream: (line) => this.#privacy.upstreamAt(line),
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

  #makePrivacy(): Privacy {
    return new Privacy({
      seats: this.#seats,
      sessions: this.#sessions,
      catalog: this.#catalog,
      sight: this.#sight,
      news: this.#news,
      subscriptions: this.#subscriptions,
      verbosity: this.#verbosity,
    })
  }

  #makeServe() {
    const relay = new Relay({
      catalog: this.#catalog,
      learned: this.#learned,
      subscriptions: this.#subscriptions,
      seat: (server) => this.#seats.get(server),
      tasks: this.#tasks,
      elicitations: this.#elicitations,
      sight: this.#sight,
      setLevel: (session, level) => this.#verbosity.set(session, level),
      divert: (line, notification, call) => this.#news.divert(line, notification, call),
      log: this.#options.log,
    })
    const legacy = new LegacyEndpoint({
      sessions: this.#sessions,
      relay,
      pulse: this.#pulse,
      initialize: (facts) => this.#initialize(facts),
      listening: (session) => this.#listening(session),
    })
    const endpoint = new Endpoint({
      legacy,
      modern: new ModernEndpoint(),
      maxBody: () => this.#config.limits.maxBody,
      isServed: (server) => server === undefined || this.#seats.get(server)?.server.enabled === true,
    })
    const isReady = () => this.#state === 'ready' || this.#state === 'degraded'
    return serveRoutes({ guard: () => this.#guard, endpoint, isReady }, (error) =>
      this.#options.log.error('request failed', { error: messageOf(error) }),
    )
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
    this.#reporter.flush()
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

  async #initialize({ server, version }: Pick<SessionFacts, 'server' | 'version'>): Promise<Params> {
    await this.#sight.sharedKnown(server)
    this.#catalog.watch(server)
    const view = this.#catalog.view(server)
    if (view) return initializeResult(view, version, this.#options.identity)
    throw new RpcFailure(INVALID_PARAMS, `Server ${server} is not in this group any more`)
  }

  #listening(session: Session): void {
    this.#catalog.watch(session.facts.server)
    this.#news.listening(session)
    this.#privacy.listening(session)
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
