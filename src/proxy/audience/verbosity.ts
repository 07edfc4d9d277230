import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Session } from '../downstream/session.ts'
import { type Level, mostVerbose } from '../mcp/levels.ts'
import type { Way } from '../servers/seat.ts'
import type { Seats } from '../servers/seats.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Sight } from './sight.ts'

export interface VerbosityOptions {
  readonly sessions: Iterable<Session>
  readonly seats: Pick<Seats, 'ways'>
  readonly sight: Pick<Sight, 'sees'>
  readonly log: Log
}

/** Each server is told the level that satisfies every session it serves; each session gets its own back. */
export class Verbosity {
  readonly #options: VerbosityOptions
  readonly #told = new WeakMap<Upstream, Level>()
  readonly #passing = new Map<string, Passing>()
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

  /**
   * A modern request wants this level of a server, for itself alone. It counts for a while, so that a client that
   * always names it does not cost two requests each time. Undefined when the server knows already. Never rejects.
   */
  want(way: string, level: Level): Promise<void> | undefined {
    const key = `${level} ${way}`
    const isNew = !isPassing(this.#passing.get(key))
    this.#passing.set(key, { way, level, until: performance.now() + A_WHILE })
    return isNew ? this.spread() : undefined
  }

  /** Tells all servers; one that cannot be told now is told by its upstream when it is back. Never rejects. */
  async spread(): Promise<void> {
    const wishes = this.#wishes()
    if (wishes.sessions.length === 0 && wishes.passing.length === 0) return
    const outcomes = await Promise.allSettled([...this.#options.seats.ways()].map((way) => this.#tell(way, wishes)))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        this.#options.log.debug('log level not set', { error: messageOf(outcome.reason) })
  }

  /** A modern server is told with every request. */
  async #tell({ name, upstream }: Way, wishes: LevelWishes): Promise<void> {
    if (upstream.listing?.era === 'modern') return
    const level = this.#wanted(name, wishes)
    if (level === undefined || this.#told.get(upstream) === level) return
    this.#told.set(upstream, level)
    await upstream.setLogLevel(level)
  }

  /** Looked for once, not for each of many servers: mostly nobody wants anything. */
  #wishes(): LevelWishes {
    for (const [key, wish] of this.#passing) if (!isPassing(wish)) this.#passing.delete(key)
    return {
      sessions: [...this.#options.sessions].filter(({ level }) => level !== undefined),
      passing: [...this.#passing.values()],
    }
  }

  #wanted(way: string, { sessions, passing }: LevelWishes): Level | undefined {
    const able = sessions.filter((session) => this.#options.sight.sees(session, way))
    const momentary = passing.filter((one) => one.way === way)
    return mostVerbose([...able, ...momentary].map(({ level }) => level))
  }
}

interface LevelWishes {
  readonly sessions: readonly Session[]
  readonly passing: readonly Passing[]
}

/** How long the level of a modern request counts for its server. It ends with the next change, not on its own. */
const A_WHILE = 60_000

interface Passing {
  /** The way to the server that its calls take. */
  readonly way: string
  readonly level: Level
  /** Monotonic, in milliseconds. */
  readonly until: number
}

function isPassing(wish: Passing | undefined): boolean {
  return wish !== undefined && performance.now() < wish.until
}
