import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { writeWhole } from '../../shared/whole-file.ts'
import type { Session } from '../downstream/session.ts'
import { isLevel } from '../mcp/levels.ts'
import { isRecord, recordOf } from '../mcp/rpc.ts'
import type { Subscribed, Wishes } from '../succession/word.ts'

export interface MemoryOptions {
  /** The folder of all sessions of the project. */
  readonly path: string
  readonly log: Log
  /** Hears what the next generation has to know. */
  readonly succession: {
    readonly wished: (session: Session, wishes: Wishes) => void
    readonly deleted: (session: Session) => void
  }
}

/** Of one session. */
const MOST_SUBSCRIPTIONS = 1000
/** Files nobody has needed for so long, and those beyond so many, are of clients that will not come back. */
const OLDEST_MS = 7 * 24 * 60 * 60_000
const MOST_FILES = 20_000
/** A proxy may live for months: after so many writes it looks again. */
const WRITES_UNTIL_TIDY = 1000

/**
 * What sessions asked for and a proxy that was killed cannot tell the next one: their log level and subscriptions, one
 * small file each. A session that asked for neither has none. What cannot be written is forgotten with the process.
 */
export class Memory {
  readonly #options: MemoryOptions
  readonly #subscribed = new WeakMap<Session, Map<string, Subscribed>>()
  /** The newest write of each session, after which the next one comes. */
  readonly #writes = new WeakMap<Session, Promise<void>>()
  #written = 0
  #isBroken = false

  constructor(options: MemoryOptions) {
    this.#options = options
  }

  wishesOf(session: Session): Wishes {
    return { level: session.level, subscriptions: [...(this.#subscribed.get(session)?.values() ?? [])] }
  }

  subscribed(session: Session, one: Subscribed): Promise<void> {
    this.#add(session, one)
    return this.keep(session)
  }

  unsubscribed(session: Session, one: Subscribed): Promise<void> {
    this.#subscribed.get(session)?.delete(keyOf(one))
    return this.keep(session)
  }

  /** These are its wishes, as another process knew them. */
  adopt(session: Session, { level, subscriptions }: Wishes): void {
    session.level = level
    this.#subscribed.delete(session)
    for (const one of subscriptions) this.#add(session, one)
  }

  #add(session: Session, { server, own, shown }: Subscribed): void {
    const all = this.#subscribed.get(session) ?? new Map<string, Subscribed>()
    this.#subscribed.set(session, all)
    if (all.size < MOST_SUBSCRIPTIONS) all.set(keyOf({ server, own }), { server, own, shown })
  }

  /** Resolves when its wishes, as they are now, will outlive the process. Never rejects. */
  keep(session: Session): Promise<void> {
    this.#options.succession.wished(session, this.wishesOf(session))
    return this.#inTurn(session, () => this.#write(this.#file(session), this.wishesOf(session)))
  }

  /** The session is over, for good. */
  forget(session: Session): void {
    const hasFile = this.#writes.has(session)
    this.#subscribed.delete(session)
    this.#options.succession.deleted(session)
    if (hasFile) void this.#inTurn(session, () => rm(this.#file(session), { force: true }))
  }

  /** What it wanted of an earlier process; undefined when that was nothing, or is not known any more. */
  recall(session: Session): Wishes | undefined {
    const text = readOrNothing(this.#file(session))
    if (text === undefined) return undefined
    this.#writes.set(session, Promise.resolve())
    const wishes = wishesIn(text)
    if (wishes) this.adopt(session, wishes)
    return wishes
  }

  #inTurn(session: Session, act: () => Promise<void>): Promise<void> {
    const last = this.#writes.get(session) ?? Promise.resolve()
    const next = last.then(act).catch((error: unknown) => this.#failed(error))
    this.#writes.set(session, next)
    return next
  }

  /** A full disk is worth a line, not one for each session. */
  #failed(error: unknown): void {
    if (!this.#isBroken)
      this.#options.log.warn('sessions are not remembered beyond a crash', { error: messageOf(error) })
    this.#isBroken = true
  }

  #file({ facts: { sid } }: Session): string {
    return join(this.#options.path, `${createHash('sha256').update(sid).digest('hex').slice(0, 32)}.json`)
  }

  async #write(file: string, wishes: Wishes): Promise<void> {
    await mkdir(this.#options.path, { recursive: true, mode: 0o700 })
    await writeWhole(file, JSON.stringify(wishes), 0o600)
    this.#isBroken = false
    if (this.#written++ % WRITES_UNTIL_TIDY === 0) await this.#tidy()
  }

  /** The folder only grows where something is written, so that is when to look. */
  async #tidy(): Promise<void> {
    const { path } = this.#options
    const found = []
    for (const name of await readdir(path)) found.push({ file: join(path, name), age: await ageOf(join(path, name)) })
    const old = found.sort((a, b) => a.age - b.age).filter(({ age }, index) => age > OLDEST_MS || index >= MOST_FILES)
    for (const { file } of old) await rm(file, { force: true })
  }
}

function keyOf({ server, own }: Pick<Subscribed, 'server' | 'own'>): string {
  return `${server}\n${own}`
}

/** Read at once: the request that brought the session back is already being answered by its wishes. */
function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Mostly it is not there. Whatever else is wrong with it, the session goes on without.
    return undefined
  }
}

function wishesIn(text: string): Wishes | undefined {
  try {
    const { level, subscriptions } = recordOf(JSON.parse(text))
    const known = Array.isArray(subscriptions) ? subscriptions.filter(isSubscribed) : []
    return { level: isLevel(level) ? level : undefined, subscriptions: known }
  } catch {
    // Cut off or not ours: as if it were not there.
    return undefined
  }
}

function isSubscribed(value: unknown): value is Subscribed {
  if (!isRecord(value)) return false
  return [value.server, value.own, value.shown].every((text) => typeof text === 'string')
}

/** Milliseconds since it was written; what another process has just removed is not old. */
function ageOf(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
}
