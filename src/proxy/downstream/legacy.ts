import { BATCHING, checkVersion, negotiate, versionHeader } from '../era.ts'
import type { Relay } from '../relay.ts'
import {
  failureResponse,
  INVALID_REQUEST,
  isMessage,
  isNotification,
  isRecord,
  isRequest,
  isResponse,
  type Params,
  type RpcMessage,
  type RpcRequest,
} from '../rpc.ts'
import { type Denial, deny, isDenial, refusal, SESSION_NOT_FOUND } from './denial.ts'
import type { Pulse } from './pulse.ts'
import { Reply } from './reply.ts'
import type { SessionFacts } from './sealer.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import { EventStream } from './stream.ts'
import type { Visit } from './visit.ts'

export interface LegacyEndpointOptions {
  readonly sessions: Sessions
  readonly relay: Relay
  readonly pulse: Pulse
  /** The result of `initialize`; may wait for servers that are not known yet. */
  readonly initialize: (facts: Pick<SessionFacts, 'server' | 'version'>) => Promise<Params>
  /** A client listens on its session's stream from now on. */
  readonly listening: (session: Session) => void
}

const MOST_IN_BATCH = 50

/** The legacy era on one address: POST in sessions that begin with `initialize`, GET for their streams, DELETE. */
export class LegacyEndpoint {
  readonly #options: LegacyEndpointOptions

  constructor(options: LegacyEndpointOptions) {
    this.#options = options
  }

  async post(visit: Visit, body: unknown): Promise<void> {
    if (isMessage(body) && isRequest(body) && body.method === 'initialize') return this.#initialize(visit, body)
    const session = await this.#session(visit)
    if (isDenial(session)) return deny(visit.response, session)
    const messages = messagesOf(body, session)
    if (isDenial(messages)) return deny(visit.response, messages)
    return this.#dispatch(visit, session, { messages, isBatch: Array.isArray(body) })
  }

  async #initialize({ response, server }: Visit, request: RpcRequest): Promise<void> {
    const { sessions, pulse, initialize } = this.#options
    if (sessions.isFull) return deny(response, full)
    const { protocolVersion, capabilities, clientInfo } = request.params ?? {}
    const version = negotiate(protocolVersion)
    const facts = { server, version, capabilities: record(capabilities), clientInfo: record(clientInfo) }
    const session = await sessions.create(facts)
    response.setHeader('mcp-session-id', session.id)
    const reply = new Reply({ response, pulse, expected: 1, isBatch: false })
    const answer = await initialize(facts).then(
      (result) => ({ jsonrpc: '2.0', id: request.id, result }),
      (thrown: unknown) => failureResponse(request.id, thrown),
    )
    if ('error' in answer) sessions.delete(session)
    reply.respond(JSON.stringify(answer))
  }

  /** In the order they came: a cancellation must find the call it is for. */
  #dispatch({ response }: Visit, session: Session, { messages, isBatch }: Received): void {
    const requests = messages.filter(isRequest)
    const { relay, pulse } = this.#options
    const reply = requests.length > 0 ? new Reply({ response, pulse, expected: requests.length, isBatch }) : undefined
    for (const message of messages) {
      if (reply && isRequest(message)) void relay.handle(session, message, reply)
      else if (isResponse(message)) session.answer(message)
      else if (isNotification(message)) session.heard(message)
    }
    if (!reply) response.writeHead(202).end()
  }

  async get(visit: Visit): Promise<void> {
    const { response } = visit
    const session = await this.#session(visit)
    if (isDenial(session)) return deny(response, session)
    if (session.stream) return deny(response, refusal(409, 'Conflict: Only one SSE stream is allowed per session'))
    response.setHeader('mcp-session-id', session.id)
    session.stream = new EventStream(response, this.#options.pulse)
    this.#options.listening(session)
  }

  async delete(visit: Visit): Promise<void> {
    const session = await this.#session(visit)
    if (isDenial(session)) return deny(visit.response, session)
    this.#options.sessions.delete(session)
    visit.response.writeHead(200).end()
  }

  /** Foreign, broken, deleted and another address's ids look the same: nothing to learn from the difference. */
  async #session({ request, server }: Visit): Promise<Session | Denial> {
    const denial = checkVersion(versionHeader(request))
    if (denial) return denial
    const id = request.headers['mcp-session-id']
    if (typeof id !== 'string' || id === '') return refusal(400, 'Bad Request: Mcp-Session-Id header is required')
    const found = this.#options.sessions.find(id)
    const session = found instanceof Promise ? await found : found
    if (session === 'full') return full
    if (!session || session.facts.server !== server) return unknownSession
    session.touch()
    return session
  }
}

interface Received {
  readonly messages: readonly RpcMessage[]
  readonly isBatch: boolean
}

const unknownSession: Denial = { status: 404, code: SESSION_NOT_FOUND, message: 'Session not found' }
const full: Denial = refusal(503, 'Too many sessions, try again later', { 'retry-after': '30' })
const invalid: Denial = { status: 400, code: INVALID_REQUEST, message: 'Invalid Request' }

function messagesOf(body: unknown, { facts }: Session): readonly RpcMessage[] | Denial {
  if (!Array.isArray(body)) return isMessage(body) && isComplete(body) ? [body] : invalid
  if (facts.version !== BATCHING) return { ...invalid, message: `Invalid Request: ${facts.version} has no batches` }
  if (body.length === 0 || body.length > MOST_IN_BATCH) return { ...invalid, message: 'Invalid Request: batch size' }
  return body.every((message) => isMessage(message) && isComplete(message)) ? body : invalid
}

/** What has a method has an id that can be answered, or none at all. */
function isComplete(message: RpcMessage): boolean {
  return isRequest(message) || isNotification(message) || isResponse(message)
}

function record(value: unknown): Params {
  return isRecord(value) ? value : {}
}
