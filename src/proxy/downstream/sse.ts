import { randomUUID } from 'node:crypto'
import { checkVersion, versionHeader } from '../mcp/era.ts'
import { isError, isRequest } from '../mcp/rpc.ts'
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
import type { Visit } from './visit.ts'

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
    const { sessions, pulse } = this.#options
    const id = randomUUID()
    const conversation = new Conversation({ response, pulse, server, principal })
    this.#conversations.set(id, conversation)
    pulse.add(this)
    response.once('close', () => {
      this.#conversations.delete(id)
      if (this.#conversations.size === 0) pulse.delete(this)
      if (conversation.session) sessions.delete(conversation.session)
    })
    const path = server === undefined ? '/messages' : `/servers/${encodeURIComponent(server)}/messages`
    conversation.announce(`${path}?sessionId=${id}`)
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
