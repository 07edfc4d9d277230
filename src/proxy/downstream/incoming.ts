import type { Limits } from '../../config/profile.ts'
import { BATCHING, negotiate } from '../mcp/era.ts'
import {
  failureResponse,
  failures,
  type Id,
  INVALID_REQUEST,
  isMessage,
  isNotification,
  isRequest,
  isResponse,
  type Params,
  RpcFailure,
  type RpcMessage,
  type RpcRequest,
  type RpcResponse,
  recordOf,
} from '../mcp/rpc.ts'
import type { Relay } from '../relay/relay.ts'
import type { Wishes } from '../succession/word.ts'
import { type Denial, refusal, SESSION_NOT_FOUND } from './denial.ts'
import type { Pulse } from './pulse.ts'
import type { Reply } from './reply.ts'
import type { SessionFacts } from './sealer.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** What both transports of the legacy era need to serve sessions. */
export interface LegacyOptions {
  /** Asked each time: a reload may change them. */
  readonly limits: () => Limits
  readonly sessions: Sessions
  readonly relay: Relay
  readonly pulse: Pulse
  /** The result of `initialize`; may wait for servers that are not known yet. */
  readonly initialize: (facts: Pick<SessionFacts, 'server' | 'version'>) => Promise<Params>
  /** A client listens on its session's stream from now on. */
  readonly listening: (session: Session) => void
  /** What a session wants of servers beside answers. */
  readonly wishesOf: (session: Session) => Wishes
}

export const unknownSession: Denial = { status: 404, code: SESSION_NOT_FOUND, message: 'Session not found' }
export const full: Denial = refusal(503, 'Too many sessions, try again later', { 'retry-after': '30' })

const MOST_IN_BATCH = 50

/** `initialize`, the message with which every session begins, and alone. */
export function isInitialize(body: unknown): body is RpcRequest {
  return isMessage(body) && isRequest(body) && body.method === 'initialize'
}

/** Where a session begins, and for whom. */
export interface Beginning {
  readonly server: string | undefined
  readonly principal: string
}

/** The session an `initialize` asks for. */
export function begin(sessions: Sessions, { server, principal }: Beginning, { params }: RpcRequest): Session {
  const { protocolVersion, capabilities, clientInfo } = params ?? {}
  const version = negotiate(protocolVersion)
  const declared = { capabilities: recordOf(capabilities), clientInfo: recordOf(clientInfo) }
  return sessions.create({ server, principal, version, ...declared })
}

/** Whether a request of this principal may use what `owner` began; without tokens all are one. */
export function mayUse(principal: string, owner: string): boolean {
  return principal === '' || principal === owner
}

/** The answer to `initialize`. */
export function greet(initialize: LegacyOptions['initialize'], facts: SessionFacts, id: Id): Promise<RpcResponse> {
  return initialize(facts).then(
    (result) => ({ jsonrpc: '2.0', id, result }),
    (thrown: unknown) => failureResponse(id, thrown),
  )
}

/** The messages of one POST of a session, batches only where its revision has them. */
export function messagesOf(body: unknown, { facts }: Session): readonly RpcMessage[] | Denial {
  if (!Array.isArray(body)) return isMessage(body) && isComplete(body) ? [body] : invalid
  if (facts.version !== BATCHING) return { ...invalid, message: `Invalid Request: ${facts.version} has no batches` }
  if (body.length === 0 || body.length > MOST_IN_BATCH) return { ...invalid, message: 'Invalid Request: batch size' }
  return body.every((message) => isMessage(message) && isComplete(message)) ? body : invalid
}

const invalid: Denial = { status: 400, code: INVALID_REQUEST, message: 'Invalid Request' }

/** What has a method has an id that can be answered, or none at all. */
function isComplete(message: RpcMessage): boolean {
  return isRequest(message) || isNotification(message) || isResponse(message)
}

export interface Dispatched {
  readonly session: Session
  readonly messages: readonly RpcMessage[]
  /** Undefined when there is no request among them. */
  readonly reply: Reply | undefined
  /** How many requests of the session may be unanswered. */
  readonly most: number
}

/** In the order they came: a cancellation must find the call it is for. */
export function dispatch(relay: Relay, { session, messages, reply, most }: Dispatched): void {
  for (const message of messages) {
    if (reply && isRequest(message) && session.unanswered >= most) refuse(reply, message)
    else if (reply && isRequest(message)) void relay.handle(session, message, reply)
    else if (isResponse(message)) session.answer(message)
    else if (isNotification(message)) session.heard(message)
  }
}

/** Those under way go on; this one was never begun. */
function refuse(reply: Reply, { id }: RpcRequest): void {
  const facts = { upstream: '', kind: 'overloaded', retryable: true, retryAfterMs: 1000 }
  const failure = new RpcFailure(failures.overloaded, 'Too many requests of this session are unanswered', facts)
  reply.respond(JSON.stringify(failureResponse(id, failure)))
}
