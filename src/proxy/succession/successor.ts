import { defer, pause } from '../../shared/async.ts'
import type { Connection } from '../downstream/released.ts'
import type { Session } from '../downstream/session.ts'
import type { Release, Standee } from '../downstream/standee.ts'
import { isResponse } from '../mcp/rpc.ts'
import { ElsewhereStream } from './elsewhere.ts'
import type { Estate } from './estate.ts'
import type { StandingStream, ToPredecessor, Wishes, Word } from './word.ts'

export interface SuccessorOptions {
  /** Says something to it; a connection goes with it as Node's own handle. */
  readonly say: (word: Word, handle?: object) => void
  readonly estate: Estate
  /** The connections that only wait for a request, if any do. */
  readonly idle: () => readonly Connection[]
}

/** How long a slow reader may take to read what is before the end of our part of its stream. */
const PATIENCE_MS = 2_000
const CHECK_MS = 20

/** The proxy that takes the place of this one, as seen from here. */
export class Successor {
  readonly #options: SuccessorOptions
  readonly #keys = new WeakMap<object, number>()
  readonly #since = new WeakMap<object, number>()
  readonly #given = new WeakSet<object>()
  /** On their way: until the other says that it has them, they are still ours. */
  readonly #onTheWay = new Map<number, OnTheWay>()
  readonly #gone = new AbortController()
  readonly #handedOver = defer<void>()
  #hasAnnounced = false
  #named = 0

  constructor(options: SuccessorOptions) {
    this.#options = options
  }

  take(word: ToPredecessor): void {
    switch (word.is) {
      case 'ready':
        this.#announce()
        break
      case 'taken':
        this.#taken(word.key)
        break
      case 'heard':
        this.#heard(word)
        break
      case 'gone':
        this.#left()
        break
      default:
        word satisfies never
    }
  }

  /** Resolves when every stream that stood is with the other, or ends here. */
  get handedOver(): Promise<void> {
    return this.#handedOver.promise
  }

  /**
   * Hands over every stream that stands, also those opened while it does so. Resolves when `until` aborts or the other
   * is gone; what could not be handed over has ended then, or is still here.
   */
  async handOver(until: AbortSignal): Promise<void> {
    const over = AbortSignal.any([until, this.#gone.signal])
    while (!over.aborted) {
      const standees = [...this.#standees()]
      if (standees.length === 0 && this.#onTheWay.size === 0) this.#handedOver.resolve()
      for (const standee of standees) this.#give(standee)
      for (const connection of this.#options.idle()) this.#pass(connection)
      await pause(CHECK_MS, over)
    }
    this.#handedOver.resolve()
  }

  /** What a client wants now; the other has its stream, or will have it. */
  wished(session: Session, wishes: Wishes): void {
    if (this.#hasAnnounced) this.#options.say({ to: 'successor', is: 'wishes', session: session.id, wishes })
  }

  /** A client deleted its session on a connection that is still here. */
  deleted(session: Session): void {
    if (this.#hasAnnounced) this.#options.say({ to: 'successor', is: 'deleted', sid: session.facts.sid })
  }

  *#standees(): Generator<Standee> {
    const { sessionStreams, conversations, listens } = this.#options.estate
    for (const owner of [sessionStreams, conversations, listens])
      for (const standee of owner.standees()) if (!this.#given.has(standee.of)) yield standee
  }

  #announce(): void {
    this.#hasAnnounced = true
    const streams = [...this.#standees()].flatMap(({ of, standing }) =>
      standing ? { key: this.#keyOf(of), stream: announced(standing) } : [],
    )
    this.#options.say({ to: 'successor', is: 'coming', streams, deleted: this.#options.estate.sessions.deleted })
  }

  #give(standee: Standee): void {
    const release = standee.release((session) => new ElsewhereStream(session, this.#say))
    if (release) this.#send(standee, release)
    else this.#wait(standee)
  }

  #send(standee: Standee, { standing, connection }: Release): void {
    const { epoch: epochOf, isTelling } = this.#options.estate
    const [key, epoch] = [this.#keyOf(standee.of), isTelling() ? '' : epochOf()]
    this.#given.add(standee.of)
    if (connection) this.#onTheWay.set(key, { connection, end: () => standee.end() })
    const isChunked = connection?.isChunked === true
    this.#options.say({ to: 'successor', is: 'stream', key, isChunked, epoch, stream: standing }, connection?.handle)
  }

  /** A client that sends its next request in this very moment loses nothing. */
  #pass(connection: Connection): void {
    if (this.#given.has(connection.handle)) return
    this.#given.add(connection.handle)
    const key = ++this.#named
    this.#onTheWay.set(key, { connection, end: () => {} })
    this.#options.say({ to: 'successor', is: 'connection', key }, connection.handle)
  }

  #wait(standee: Standee): void {
    const since = this.#since.get(standee.of) ?? performance.now()
    this.#since.set(standee.of, since)
    if (performance.now() - since < PATIENCE_MS) return
    this.#given.add(standee.of)
    standee.end()
  }

  readonly #say = (session: string, body: string): boolean => {
    if (this.#gone.signal.aborted) return false
    this.#options.say({ to: 'successor', is: 'said', session, body })
    return true
  }

  #taken(key: number): void {
    this.#onTheWay.get(key)?.connection.left()
    this.#onTheWay.delete(key)
  }

  #heard({ session: id, message }: Extract<ToPredecessor, { is: 'heard' }>): void {
    const session = this.#options.estate.sessions.find(id)
    if (!session || session === 'full') return
    if (isResponse(message)) session.answer(message)
    else if ('method' in message && !('id' in message)) session.heard(message)
  }

  /** What it had not taken yet ends here, as it would have without it. */
  #left(): void {
    this.#gone.abort()
    for (const { connection, end } of this.#onTheWay.values()) {
      connection.back()
      end()
    }
    this.#onTheWay.clear()
  }

  #keyOf(of: object): number {
    const key = this.#keys.get(of) ?? ++this.#named
    this.#keys.set(of, key)
    return key
  }
}

interface OnTheWay {
  readonly connection: Connection
  /** It did not get there: what is on it ends. */
  readonly end: () => void
}

/** What is kept for a client that may have lost it goes over with the stream itself. */
function announced(standing: StandingStream): StandingStream {
  if (standing.kind !== 'session') return standing
  return { ...standing, stream: { ...standing.stream, kept: [] } }
}
