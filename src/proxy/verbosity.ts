import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Session } from './downstream/session.ts'
import { type Level, mostVerbose } from './levels.ts'
import type { Seat } from './seat.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface VerbosityOptions {
  readonly sessions: Iterable<Session>
  readonly seats: Iterable<Seat>
  readonly log: Log
}

/** Each server is told the level that satisfies every session that can see it; each session gets its own back. */
export class Verbosity {
  readonly #options: VerbosityOptions
  readonly #told = new WeakMap<Upstream, Level>()
  #isPlanned = false

  constructor(options: VerbosityOptions) {
    this.#options = options
  }

  /** Looks at all sessions anew, once however many have ended in this turn. */
  later(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    setImmediate(() => {
      this.#isPlanned = false
      void this.spread()
    })
  }

  async set(session: Session, level: Level): Promise<void> {
    session.level = level
    await this.spread()
  }

  /** Tells all servers; one that cannot be told now is told by its upstream when it is back. Never rejects. */
  async spread(): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#options.seats].map((seat) => this.#tell(seat)))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        this.#options.log.debug('log level not set', { error: messageOf(outcome.reason) })
  }

  async #tell({ server, upstream }: Seat): Promise<void> {
    const level = this.#wanted(server.name)
    if (!upstream || level === undefined || this.#told.get(upstream) === level) return
    this.#told.set(upstream, level)
    await upstream.setLogLevel(level)
  }

  #wanted(server: string): Level | undefined {
    const able = [...this.#options.sessions].filter(
      ({ facts }) => facts.server === undefined || facts.server === server,
    )
    return mostVerbose(able.map(({ level }) => level))
  }
}
