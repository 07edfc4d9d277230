import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Session } from './downstream/session.ts'
import { type Level, mostVerbose } from './levels.ts'
import type { Line } from './seat.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface VerbosityOptions {
  readonly sessions: Iterable<Session>
  /** Every open way to any of the servers. */
  readonly lines: () => Iterable<Line>
  /** Whether what comes by this way from a server is for that session. */
  readonly sees: (session: Session, line: string) => boolean
  readonly log: Log
}

/** Each server is told the level that satisfies every session that it serves; each session gets its own back. */
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
    const outcomes = await Promise.allSettled([...this.#options.lines()].map((line) => this.#tell(line)))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        this.#options.log.debug('log level not set', { error: messageOf(outcome.reason) })
  }

  async #tell({ name, upstream }: Line): Promise<void> {
    const level = this.#wanted(name)
    if (level === undefined || this.#told.get(upstream) === level) return
    this.#told.set(upstream, level)
    await upstream.setLogLevel(level)
  }

  #wanted(line: string): Level | undefined {
    const able = [...this.#options.sessions].filter(({ level }) => level !== undefined)
    return mostVerbose(able.filter((session) => this.#options.sees(session, line)).map(({ level }) => level))
  }
}
