import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Version } from '../mcp/era.ts'
import type { ResumableState } from '../succession/word.ts'
import type { Beating, Pulse } from './pulse.ts'
import type { Outgoing } from './released.ts'
import { ResumableStream } from './resumable.ts'
import type { Session } from './session.ts'

/** Streams of one session that are kept after their end: the client may not have got it. */
const MOST_FINISHED = 128
/** Clients of this revision and later take events without data; the older SDKs choke on them. */
const PRIMED_SINCE: Version = '2025-11-25'
/** What all streams of a group keep together, in bytes. */
const MOST_BYTES = 64 * 1024 * 1024

/** A place in a stream: what came after it is wanted. */
export interface Cursor {
  readonly stream: ResumableStream
  readonly seq: number
}

interface Entry {
  readonly stream: ResumableStream
  readonly session: Session
}

/** The resumable streams of all sessions of a group, and what they may keep together. */
export class Streams implements Beating {
  readonly #pulse: Pulse
  readonly #byName = new Map<string, Entry>()
  readonly #finished = new WeakMap<Session, ResumableStream[]>()
  readonly #standalone = new WeakMap<Session, ResumableStream>()
  /** A session may outlive this process: ids of an earlier one must not mean a stream of this one. */
  readonly #mark = randomBytes(4).toString('hex')
  #opened = 0
  #bytes = 0

  constructor(pulse: Pulse) {
    this.#pulse = pulse
  }

  /** The answer to one POST becomes a stream. */
  openAnswer(session: Session, response: ServerResponse): ResumableStream {
    return this.#open({ session, response, isStandalone: false })
  }

  /** The stream for what belongs to no request; there is one of them, so an earlier one is over. */
  openStandalone(session: Session, response: ServerResponse): ResumableStream {
    const earlier = this.#standalone.get(session)
    if (earlier) this.#remove(earlier)
    const stream = this.#open({ session, response, isStandalone: true })
    this.#standalone.set(session, stream)
    return stream
  }

  /** Those a client listens on, or may come back to, with their sessions. */
  *standing(): Generator<Entry> {
    for (const entry of this.#byName.values()) if (entry.stream.isStandalone || entry.stream.isFinished) yield entry
  }

  /** One that another process had; without a connection its client is away. */
  restore(session: Session, state: ResumableState, outgoing: Outgoing | undefined): ResumableStream {
    const stream = this.#add({ session, name: state.name, isStandalone: state.isStandalone, state })
    if (outgoing) stream.resume(outgoing, state.seq)
    if (state.isStandalone) this.#standalone.set(session, stream)
    else if (state.isFinished) this.#retain(session, stream)
    return stream
  }

  /** Another process has it now. */
  drop(stream: ResumableStream): void {
    this.#remove(stream)
  }

  /** Undefined for what is no id of a stream that this very session has and that is still known. */
  find(session: Session, lastEventId: unknown): Cursor | undefined {
    const [, name = '', digits = ''] = /^([\da-f]+-\d+):(\d{1,15})$/.exec(String(lastEventId)) ?? []
    const entry = this.#byName.get(name)
    const seq = Number(digits)
    return entry?.session === session && entry.stream.has(seq) ? { stream: entry.stream, seq } : undefined
  }

  /** Forgets those whose client did not come back in time. */
  beat(now: number): void {
    for (const { stream } of this.#byName.values()) {
      if (!stream.isLost(now)) continue
      stream.end()
      this.#remove(stream)
    }
  }

  #open({ session, response, isStandalone }: Opening): ResumableStream {
    const stream = this.#add({ session, name: `${this.#mark}-${++this.#opened}`, isStandalone })
    stream.open(response)
    return stream
  }

  #add({ session, ...options }: Adding): ResumableStream {
    const stream = new ResumableStream({
      ...options,
      canPrime: session.facts.version >= PRIMED_SINCE,
      pulse: this.#pulse,
      charge: (bytes) => this.#charge(bytes),
      finished: (finished) => this.#finish(session, finished),
    })
    this.#byName.set(stream.name, { stream, session })
    this.#pulse.add(this)
    return stream
  }

  /** A standalone stream that ended is none to come back to: a new one takes its place. */
  #finish(session: Session, stream: ResumableStream): void {
    if (stream.isStandalone) this.#remove(stream)
    else this.#retain(session, stream)
  }

  #retain(session: Session, stream: ResumableStream): void {
    const finished = this.#finished.get(session) ?? []
    this.#finished.set(session, finished)
    finished.push(stream)
    const oldest = finished.length > MOST_FINISHED ? finished.shift() : undefined
    if (oldest) this.#remove(oldest)
  }

  #remove(stream: ResumableStream): void {
    if (!this.#byName.delete(stream.name)) return
    stream.forget()
    if (this.#byName.size === 0) this.#pulse.delete(this)
  }

  /** When all keep too much together, the oldest streams keep nothing any more: half goes, so that it goes seldom. */
  #charge(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= MOST_BYTES || bytes <= 0) return
    for (const { stream } of this.#byName.values()) {
      if (this.#bytes <= MOST_BYTES / 2) return
      if (stream.isFinished) this.#remove(stream)
      else stream.forget()
    }
  }
}

interface Adding {
  readonly session: Session
  readonly name: string
  readonly isStandalone: boolean
  readonly state?: ResumableState
}

interface Opening {
  readonly session: Session
  readonly response: ServerResponse
  readonly isStandalone: boolean
}
