import type { Server } from '../../config/profile.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Connection, ConnectionEvents } from './connection.ts'
import { LinkFailure } from './failure.ts'
import type { Rank, Turn, Turns } from './turns.ts'

const LONGEST_START_MS = 120_000

export interface Opening {
  readonly events: ConnectionEvents
  readonly signal: AbortSignal
  readonly leave: (closing: Promise<void>) => void
}

export interface OpenerOptions {
  readonly server: Server
  /** Who shares the processor while processes start; a remote server does not ask. */
  readonly turns: Turns
  /** A greeted connection; rejects with LinkFailure. What it leaves behind goes to `leave`. */
  readonly open: (opening: Opening) => Promise<Connection>
  /** What a new connection needs before it counts as ready: lists, what the last one had been told. */
  readonly prepare: (connection: Connection, signal: AbortSignal) => Promise<void>
  /** Takes over the end of a connection that did not become ready. */
  readonly leave: (closing: Promise<void>) => void
  /** Aborts when nobody wants a connection any more. */
  readonly closing: AbortSignal
}

export interface Opened {
  /** Failures in a row so far. */
  readonly failures: number
  /** Hears of the connection, `own` once there is one. */
  readonly events: (own: () => Connection | undefined) => ConnectionEvents
  /** Called synchronously, while the connection is certainly alive. */
  readonly take: (connection: Connection) => void
}

/** Gets connections ready, one at a time, each within its time and for processes in their turn. */
export class Opener implements Disposable {
  readonly #options: OpenerOptions
  /** The place among the processes that start, from asking for it to the greeting. */
  #turn: Turn | undefined
  #wasReady = false

  constructor(options: OpenerOptions) {
    this.#options = options
  }

  /** Somebody waits for this very server. */
  hurry(): void {
    this.#turn?.hurry()
  }

  /** Rejects with LinkFailure; nothing is left behind then. */
  async open({ failures, events, take }: Opened): Promise<void> {
    const { turns, closing, leave } = this.#options
    using turn = this.#isProcess ? turns.ask(this.#rank) : undefined
    this.#turn = turn
    // Its time begins with its turn.
    if (turn) await turn.begun
    const budget = this.#budget(failures)
    const late = new LinkFailure('unreachable', `not ready within ${budget} ms`)
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(late), budget)
    const signal = AbortSignal.any([deadline.signal, closing])
    let connection: Connection | undefined
    try {
      signal.throwIfAborted()
      const opening = this.#options.open({ signal, leave, events: events(() => connection) })
      connection = await opening
      turn?.[Symbol.dispose]()
      await this.#options.prepare(connection, signal)
      signal.throwIfAborted()
      if (connection.end) throw connection.end
      this.#wasReady = true
      take(connection)
    } catch (error) {
      const failure = asFailure(signal.aborted ? signal.reason : error)
      if (connection) leave(connection.close(failure))
      throw failure
    } finally {
      clearTimeout(timer)
    }
  }

  [Symbol.dispose](): void {
    this.#turn?.[Symbol.dispose]()
  }

  get #isProcess(): boolean {
    return this.#options.server.transport.kind === 'stdio'
  }

  get #rank(): Rank {
    if (this.#wasReady) return 'again'
    return this.#options.server.required ? 'required' : 'other'
  }

  /** A first start may have to download the server first: cut off each time, it would never get there. */
  #budget(failures: number): number {
    const { connect } = this.#options.server.timeouts
    return this.#isProcess ? Math.min(connect * 2 ** failures, Math.max(connect, LONGEST_START_MS)) : connect
  }
}

/** Whatever was thrown on the way to a server, as a failure of that way. */
export function asFailure(thrown: unknown): LinkFailure {
  if (thrown instanceof LinkFailure) return thrown
  return new LinkFailure('unreachable', messageOf(thrown), { cause: thrown })
}
