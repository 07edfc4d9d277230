import { randomUUID } from 'node:crypto'
import type { RpcMessage, RpcNotification } from '../mcp/rpc.ts'
import type { Sealer, SessionFacts } from './sealer.ts'
import { Session } from './session.ts'

export interface SessionsOptions {
  readonly sealer: Sealer
  readonly group: string
  /** Asked each time: a reload may change it. */
  readonly most: () => number
  /** Called once for each session that leaves memory, whether deleted or idle. */
  readonly ended: (session: Session) => void
  /** Takes what a client says that concerns servers. */
  readonly tell?: (session: Session, notification: RpcNotification) => void
  /** Called once for each session that comes back to memory. */
  readonly reopened?: (session: Session) => void
  /** Called once for each session that its client ended: it never comes back. */
  readonly deleted?: (session: Session) => void
  /** Takes what can only be about something that another process has in flight. */
  readonly elsewhere?: (session: Session, message: RpcMessage) => void
}

/** `full`: the id is good, but there is no room to bring its session back now. */
export type Found = Session | 'full' | undefined

/** A session not heard of for so long leaves memory; its id brings it back. */
const IDLE = 30 * 60_000
const SWEEP = 60_000
/** Deleted sessions remembered, so that their ids do not bring them back. */
const TOMBSTONES = 10_000

/** The downstream sessions in memory. When they are too many new ones are refused; none is ever evicted. */
export class Sessions implements Disposable {
  readonly #options: SessionsOptions
  readonly #byId = new Map<string, Session>()
  readonly #bySid = new Map<string, Session>()
  readonly #deleted = new Set<string>()
  readonly #timer: NodeJS.Timeout

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.sweep(performance.now()), SWEEP).unref()
  }

  get isFull(): boolean {
    return this.#byId.size >= this.#options.most()
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byId.values()
  }

  create(facts: Omit<SessionFacts, 'sid' | 'group'>): Session {
    const { group, sealer, tell, elsewhere } = this.#options
    const whole = { ...facts, sid: randomUUID(), group }
    return this.#add(new Session(sealer.seal(whole), whole, { tell, elsewhere }))
  }

  /** The session of an id; undefined for ids that are foreign, broken or deleted. */
  find(id: string): Found {
    return this.#byId.get(id) ?? this.#reopen(id)
  }

  /** The session of this name, while it is in memory. */
  named(sid: string): Session | undefined {
    return this.#bySid.get(sid)
  }

  delete(session: Session): void {
    this.#deleted.add(session.facts.sid)
    if (this.#deleted.size > TOMBSTONES) this.#forgetOldest()
    this.#options.deleted?.(session)
    this.#end(session, 'The session was deleted')
  }

  /** The names of those deleted lately: what the next process has to know. */
  get deleted(): readonly string[] {
    return [...this.#deleted]
  }

  /** An earlier process deleted these. */
  learn(deleted: readonly string[]): void {
    for (const sid of deleted) {
      this.#deleted.add(sid)
      const reopened = this.#bySid.get(sid)
      if (reopened) this.#end(reopened, 'The session was deleted')
    }
  }

  #reopen(id: string): Found {
    const { sealer, group, tell, elsewhere, reopened } = this.#options
    const facts = sealer.open(id)
    if (!facts || facts.group !== group || this.#deleted.has(facts.sid)) return undefined
    if (this.isFull) return 'full'
    const session = this.#add(new Session(id, facts, { isResumed: true, tell, elsewhere }))
    reopened?.(session)
    return session
  }

  #add(session: Session): Session {
    this.#byId.set(session.id, session)
    this.#bySid.set(session.facts.sid, session)
    return session
  }

  #forgetOldest(): void {
    for (const oldest of this.#deleted) {
      this.#deleted.delete(oldest)
      return
    }
  }

  /** Lets go of the sessions that are idle at `now`, in milliseconds of the monotonic clock. */
  sweep(now: number): void {
    for (const session of this.#byId.values())
      if (session.idleFor(now) > IDLE) this.#end(session, 'The session is idle')
  }

  #end(session: Session, reason: string): void {
    this.#byId.delete(session.id)
    this.#bySid.delete(session.facts.sid)
    session.close(reason)
    this.#options.ended(session)
  }

  /** Ends streams and questions, but no call; the ids stay good for the next generation. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const session of this.#byId.values()) session.hush('The proxy stops')
  }
}
