import type { ServerResponse } from 'node:http'
import { checkVersion, versionHeader } from '../mcp/era.ts'
import { isError, isRequest, type RpcRequest } from '../mcp/rpc.ts'
import type { StandingSession } from '../succession/word.ts'
import { type Denial, deny, isDenial, overloaded, refusal } from './denial.ts'
import {
  begin,
  dispatch,
  full,
  greet,
  isInitialize,
  type LegacyOptions,
  mayUse,
  messagesOf,
  unknownSession,
} from './incoming.ts'
import { Reply } from './reply.ts'
import type { ResumableStream } from './resumable.ts'
import type { Session } from './session.ts'
import type { Found } from './sessions.ts'
import { type Expected, farewell, type Standee } from './standee.ts'
import { Standing } from './standing.ts'
import { Streams } from './streams.ts'
import type { Visit } from './visit.ts'
import { WaitingStream } from './waiting-stream.ts'

/** The parsed body of a POST, and where its answer goes. */
interface Posted {
  readonly response: ServerResponse
  readonly body: unknown
}

/** The legacy era on one address: POST in sessions that begin with `initialize`, GET for their streams, DELETE. */
export class LegacyEndpoint {
  readonly #options: LegacyOptions
  readonly #streams: Streams
  readonly #standing = new Standing()

  constructor(options: LegacyOptions) {
    this.#options = options
    this.#streams = new Streams(options.pulse)
  }

  post(visit: Visit, body: unknown): Promise<void> | void {
    if (isInitialize(body)) return this.#initialize(visit, body)
    const posted = { response: visit.response, body }
    this.#take(posted, this.#session(visit))
  }

  #take(posted: Posted, session: Session | Denial): void {
    const denial = isDenial(session) ? session : this.#deliver(posted, session)
    if (denial) deny(posted.response, denial)
  }

  /** Returns why not when that is nothing the session may say. */
  #deliver({ response, body }: Posted, session: Session): Denial | undefined {
    const messages = messagesOf(body, session)
    if (isDenial(messages)) return messages
    const { relay, pulse, limits } = this.#options
    const expected = messages.filter(isRequest).length
    const open = () => this.#streams.openAnswer(session, response)
    const reply =
      expected > 0 ? new Reply({ response, pulse, expected, isBatch: Array.isArray(body), open }) : undefined
    dispatch(relay, { session, messages, reply, most: limits().maxInFlight })
    if (!reply) response.writeHead(202).end()
    return undefined
  }

  async #initialize({ response, server, principal }: Visit, message: RpcRequest): Promise<void> {
    const { sessions, pulse, initialize } = this.#options
    if (sessions.isFull) return deny(response, full)
    const session = begin(sessions, { server, principal }, message)
    response.setHeader('mcp-session-id', session.id)
    const reply = new Reply({ response, pulse, expected: 1, isBatch: false })
    const answer = await greet(initialize, session.facts, message.id)
    if (isError(answer)) sessions.delete(session)
    reply.respond(JSON.stringify(answer))
  }

  /**
   * The session's own stream, or any of its streams from where the client lost it. An id that is not known (any more)
   * belongs to nothing that could be replayed: what comes from now on is all there is.
   */
  async get(visit: Visit): Promise<void> {
    const { request, response } = visit
    const session = this.#session(visit)
    if (isDenial(session)) return deny(response, session)
    const cursor = this.#streams.find(session, request.headers['last-event-id'])
    // Where nothing follows, a client would come back without end: to this answer event sources stop (HTML, 9.2.3).
    if (cursor?.stream.isOverAfter(cursor.seq)) return void response.writeHead(204).end()
    if (!cursor && session.stream) return deny(response, conflict)
    if (!this.#hasRoom(session, cursor?.stream)) return deny(response, crowded)
    response.setHeader('mcp-session-id', session.id)
    if (cursor) cursor.stream.resume(response, cursor.seq)
    const stream = cursor?.stream ?? this.#streams.openStandalone(session, response)
    this.#standing.add(session, stream)
    if (stream.isStandalone) this.#listen(session, stream)
  }

  /** Answers under way that a client came back for have a bound of their own. */
  #hasRoom(session: Session, again: ResumableStream | undefined): boolean {
    const most = this.#options.limits().maxStreams + session.unanswered
    return this.#standing.hasRoom(session, most, again)
  }

  #listen(session: Session, stream: ResumableStream): void {
    session.stream = stream
    this.#options.listening(session)
  }

  /** The streams of clients that are connected or may come back, when this process is about to leave. */
  *standees(): Generator<Standee> {
    for (const { stream, session } of this.#streams.standing()) yield this.#standee(session, stream)
  }

  #standee(session: Session, stream: ResumableStream): Standee {
    const standing = (): StandingSession => ({
      kind: 'session',
      session: session.id,
      wishes: this.#options.wishesOf(session),
      stream: stream.state,
    })
    return {
      of: stream,
      get standing() {
        return standing()
      },
      release: (elsewhere) => {
        const connection = stream.release()
        if (stream.isOpen) return undefined
        const release = { standing: standing(), connection }
        this.#streams.drop(stream)
        if (stream.isStandalone) session.stream = elsewhere(session.id)
        return release
      },
      end: () => {
        stream.part()
        stream.end()
      },
    }
  }

  /** A stream of this session that another process had. */
  expect(session: Session, { stream: { isStandalone } }: StandingSession): Expected {
    const waiting = new WaitingStream({ isOpen: false })
    if (isStandalone) session.stream = waiting
    return {
      adopt: (standing, outgoing) => {
        if (standing.kind !== 'session') return undefined
        // Meanwhile the client opened another one, here.
        if (isStandalone && session.stream) return void farewell(outgoing)
        const stream = this.#streams.restore(session, standing.stream, outgoing)
        if (outgoing) this.#standing.add(session, stream)
        if (!isStandalone) return undefined
        session.stream = stream
        for (const body of waiting.take()) stream.send(body)
        session.takeResumed()
        if (outgoing) this.#options.listening(session)
        return session
      },
      dismiss: () => {
        if (isStandalone && !session.stream) session.stream = undefined
      },
    }
  }

  async delete(visit: Visit): Promise<void> {
    const session = this.#session(visit)
    if (isDenial(session)) return deny(visit.response, session)
    this.#options.sessions.delete(session)
    visit.response.writeHead(200).end()
  }

  #session(visit: Visit): Session | Denial {
    const denial = checkVersion(versionHeader(visit.request))
    if (denial) return denial
    const id = visit.request.headers['mcp-session-id']
    if (typeof id !== 'string' || id === '') return refusal(400, 'Bad Request: Mcp-Session-Id header is required')
    return this.#admit(visit, this.#options.sessions.find(id))
  }

  /** Foreign, broken, deleted and another address's ids look the same: nothing to learn from the difference. */
  #admit({ server, principal }: Visit, session: Found): Session | Denial {
    if (session === 'full') return full
    if (!session || session.facts.server !== server) return unknownSession
    if (!mayUse(principal, session.facts.principal)) return unknownSession
    session.touch()
    return session
  }
}

const conflict: Denial = refusal(409, 'Conflict: Only one SSE stream is allowed per session')
const crowded: Denial = overloaded(429, 'Too many streams of this session are open', 1000)
