import { randomUUID } from 'node:crypto'
import { checkVersion, versionHeader } from '../mcp/era.ts'
import { isError, isRequest } from '../mcp/rpc.ts'
import type { StandingConversation } from '../succession/word.ts'
import { Conversation } from './conversation.ts'
import { type Denial, deny, isDenial, refusal } from './denial.ts'
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
import type { Beating } from './pulse.ts'
import { Reply } from './reply.ts'
import type { Session } from './session.ts'
import type { Expected, Standee } from './standee.ts'
import { EventStream } from './stream.ts'
import type { Visit } from './visit.ts'
import { WaitingStream } from './waiting-stream.ts'

/**
 * HTTP+SSE, the transport of 2024-11-05, for clients that know nothing newer: one GET stream carries everything to the
 * client, POSTs everything from it. A session lives as long as its stream. (MCP 2024-11-05: Transports, HTTP with SSE.)
 */
export class SseEndpoint implements Beating {
  readonly #options: LegacyOptions
  readonly #conversations = new Map<string, Conversation>()

  constructor(options: LegacyOptions) {
    this.#options = options
  }

  /** Opens the stream, whose first event says where to post to. */
  open(visit: Visit): void {
    if (this.#options.sessions.isFull) deny(visit.response, full)
    else this.#converse(visit)
  }

  #converse({ response, server, principal }: Visit): void {
    const { pulse } = this.#options
    const id = randomUUID()
    const stream = new EventStream(response, pulse)
    const conversation = new Conversation({ stream, server, principal })
    this.#add(id, conversation)
    response.once('close', () => this.#closed(id, conversation))
    const path = server === undefined ? '/messages' : `/servers/${encodeURIComponent(server)}/messages`
    stream.announce({ event: 'endpoint', data: `${path}?sessionId=${id}` })
  }

  #add(id: string, conversation: Conversation): void {
    this.#conversations.set(id, conversation)
    this.#options.pulse.add(this)
  }

  #closed(id: string, conversation: Conversation): void {
    // It was not the client who closed it, and answers to what it asked here are still to come.
    if (conversation.isElsewhere) return
    const { sessions, pulse } = this.#options
    this.#conversations.delete(id)
    if (this.#conversations.size === 0) pulse.delete(this)
    if (conversation.session) sessions.delete(conversation.session)
  }

  /** The streams of clients, when this process is about to leave. */
  *standees(): Generator<Standee> {
    for (const [id, conversation] of this.#conversations)
      if (!conversation.isElsewhere) yield this.#standee(id, conversation)
  }

  #standee(id: string, conversation: Conversation): Standee {
    const { server, principal, session } = conversation
    const wishes = session ? this.#options.wishesOf(session) : { subscriptions: [] }
    const standing = { kind: 'conversation', id, server, principal, session: session?.id, wishes } as const
    return {
      of: conversation,
      standing,
      release: (elsewhere) => {
        const connection = conversation.release(elsewhere(session?.id ?? ''))
        return connection && { standing, connection }
      },
      end: () => conversation.end(),
    }
  }

  /** A stream that another process had; `session` is the one on it, if there is one. */
  expect({ id, server, principal }: StandingConversation, session: Session | undefined): Expected {
    const waiting = new WaitingStream({ isOpen: true })
    const conversation = new Conversation({ stream: waiting, server, principal })
    this.#add(id, conversation)
    if (session) conversation.start(session)
    const dismiss = (): void => this.#closed(id, conversation)
    const adopt: Expected['adopt'] = (_standing, outgoing) => {
      if (!outgoing) return void dismiss()
      outgoing.once('close', dismiss)
      conversation.continueOn(new EventStream(outgoing, this.#options.pulse), waiting.take())
      session?.takeResumed()
      if (session) this.#options.listening(session)
      return session
    }
    return { adopt, dismiss }
  }

  /** Who opens a stream and says nothing has no session, and would hold the connection for nothing. */
  beat(now: number): void {
    for (const conversation of this.#conversations.values())
      if (!conversation.session && now - conversation.since >= INITIALIZE_MS) conversation.end()
  }

  /** Accepted at once; the answer comes on the stream. */
  async post(visit: Visit, body: unknown): Promise<void> {
    const { response } = visit
    const conversation = this.#find(visit)
    if (isDenial(conversation)) return deny(response, conversation)
    const { session } = conversation
    if (!session) return this.#initialize(visit, conversation, body)
    const messages = messagesOf(body, session)
    if (isDenial(messages)) return deny(response, messages)
    response.writeHead(202).end()
    session.touch()
    dispatch(this.#options.relay, {
      session,
      messages,
      most: this.#options.limits().maxInFlight,
      reply: this.#reply(visit, conversation, messages.filter(isRequest).length),
    })
  }

  #find({ request, server, principal }: Visit): Conversation | Denial {
    const denial = checkVersion(versionHeader(request))
    if (denial) return denial
    const id = new URL(request.url ?? '', 'http://localhost').searchParams.get('sessionId')
    if (!id) return refusal(400, 'Bad Request: the query parameter sessionId is required')
    const conversation = this.#conversations.get(id)
    if (!conversation || conversation.server !== server) return unknownSession
    return mayUse(principal, conversation.principal) ? conversation : unknownSession
  }

  async #initialize({ response }: Visit, conversation: Conversation, body: unknown): Promise<void> {
    const { sessions, initialize, listening } = this.#options
    if (!isInitialize(body)) return deny(response, notInitialized)
    if (sessions.isFull) return deny(response, full)
    response.writeHead(202).end()
    const session = begin(sessions, conversation, body)
    const answer = await greet(initialize, session.facts, body.id)
    const isStarted = !isError(answer) && conversation.start(session)
    if (isStarted || isError(answer)) conversation.answers.send(JSON.stringify(answer))
    if (isStarted) listening(session)
    else sessions.delete(session)
  }

  #reply({ response }: Visit, { answers }: Conversation, expected: number): Reply {
    return new Reply({ response, pulse: this.#options.pulse, expected, isBatch: false, stream: answers })
  }
}

/** From the stream's opening to the session's beginning, the wait for the first lists included. */
const INITIALIZE_MS = 30_000
const notInitialized: Denial = refusal(400, 'Bad Request: the session begins with initialize')
