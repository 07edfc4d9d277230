import type { Text } from '../mcp/text.ts'
import type { Released } from './released.ts'
import type { AnswerStream } from './reply.ts'
import type { Session, SessionStream } from './session.ts'
import { QUEUE_LIMIT, type Sending } from './stream.ts'

/** Answers share one stream here: what was asked for may wait in it, as much as the largest message. */
const ANSWERS_LIMIT = 16 * 1024 * 1024

/** What goes to the client. */
export interface ConversationStream {
  readonly isOpen: boolean
  readonly isElsewhere?: boolean
  readonly backlog: number
  send(body: Text, sending?: Sending): boolean
  end(): void
  release?(): Released | undefined
}

export interface ConversationOptions {
  readonly stream: ConversationStream
  /** The server whose address it is on; undefined for the group's own. */
  readonly server: string | undefined
  /** Who opened it; see `SessionFacts`. */
  readonly principal: string
}

/** One stream of HTTP+SSE and the session on it, once there is one. */
export class Conversation implements SessionStream {
  readonly server: string | undefined
  readonly principal: string
  /** When it was opened, in monotonic milliseconds. */
  readonly since = performance.now()
  #stream: ConversationStream
  #session: Session | undefined
  #isEnding = false

  constructor({ stream, server, principal }: ConversationOptions) {
    this.server = server
    this.principal = principal
    this.#stream = stream
  }

  get session(): Session | undefined {
    return this.#session
  }

  get isOpen(): boolean {
    return this.#stream.isOpen
  }

  /** Whether another process writes on it. */
  get isElsewhere(): boolean {
    return this.#stream.isElsewhere === true
  }

  /** Another process goes on with it; answers still to come go to `elsewhere`. */
  release(elsewhere: ConversationStream): Released | undefined {
    const released = this.#stream.release?.()
    if (released) this.#stream = elsewhere
    return released
  }

  /** The connection is here; what waited for it goes first. */
  continueOn(stream: ConversationStream, waited: readonly Text[] = []): void {
    this.#stream = stream
    for (const body of waited) this.deliver(body)
  }

  /** An answer of another process. */
  deliver(body: Text): void {
    this.#stream.send(body, { limit: ANSWERS_LIMIT })
  }

  /** Returns false when there is a session already or nobody to have one with. */
  start(session: Session): boolean {
    if (this.#session || !this.isOpen) return false
    this.#session = session
    session.stream = this
    return true
  }

  /** To a reader that is too slow it is skipped: cutting the stream would take the session with it. */
  send(body: Text): boolean {
    return this.#stream.backlog <= QUEUE_LIMIT && this.#stream.send(body)
  }

  /** The stream is the only way for answers: it ends when those in flight are sent. */
  end(): void {
    this.#isEnding = true
    this.#settle()
  }

  #settle(): void {
    if (this.#isEnding && (this.#session?.calls.size ?? 0) === 0) this.#stream.end()
  }

  /** The stream as the answers to all requests see it: none of them is its end. */
  readonly answers: AnswerStream = this.#makeAnswers()

  #makeAnswers(): AnswerStream {
    const stream = () => this.#stream
    const send = (body: Text) => stream().send(body, { limit: ANSWERS_LIMIT })
    return {
      get isOpen() {
        return stream().isOpen
      },
      get backlog() {
        return stream().backlog
      },
      send,
      finish: (body) => {
        send(body)
        this.#settle()
      },
      end: () => this.#settle(),
    }
  }
}
