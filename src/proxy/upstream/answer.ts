import { argumentsOf } from '../mcp/arguments.ts'
import { type Id, isRecord, isRequest, type RpcMessage } from '../mcp/rpc.ts'
import { readMessage } from '../mcp/verbatim.ts'
import { LinkFailure } from './failure.ts'
import type { Head } from './pool.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** The media type without parameters, in lower case. */
export function mediaType(head: Head): string {
  const type = header(head, 'content-type') ?? ''
  // As nearly every answer says it.
  if (type === 'application/json' || type === 'text/event-stream') return type
  return type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

export function header(head: Head, name: string): string | undefined {
  const value = head.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export interface Received {
  readonly message: RpcMessage
  readonly head: Head
  /** The body. */
  readonly bytes: Buffer
  /** Whether the message carried a session id. */
  readonly inSession: boolean
  readonly isModern: boolean
}

/**
 * What the server answered to a POST as JSON: the value to deliver, undefined for "accepted, nothing to say". Throws
 * LinkFailure for everything that is no answer, RpcFailure when the arguments were no JSON. A JSON-RPC error for this
 * very request is an answer, whatever the status says. (MCP: Basic, Transports, Streamable HTTP.)
 */
export function interpret(received: Received): unknown {
  const { message, head } = received
  const value = mediaType(head) === 'application/json' ? parse(received) : undefined
  const isAnswered = isAnswer(received, value)
  // What a server says about arguments that are no JSON says nothing about the server or the session.
  if (isFault(head.status) && !isAnswered) argumentsOf(message.params)
  if (isSessionLoss(received, value)) throw new LinkFailure('session', 'the server forgot the session')
  if (head.status >= 300 && !isAnswered) throw refusal(received)
  if (!isRequest(message)) return undefined
  if (value !== undefined) return value
  throw new LinkFailure('broken', `HTTP ${head.status} with ${mediaType(head) || 'no content type'} is no answer`)
}

/** Whether the body counts, whatever the status; an error that names no request belongs to the one it answers. */
function isAnswer({ message, head: { status }, isModern }: Received, value: unknown): boolean {
  if (!isRequest(message) || !isRecord(value)) return false
  const isOwn = value.id === message.id
  if (!isModern) return isOwn && isPlain(status)
  return isRecord(value.error) && (isOwn || (value.id ?? null) === null) && !isOfHttp(status)
}

/** Redirects, credentials and pauses: what HTTP itself says, whatever stands beside it. */
function isOfHttp(status: number): boolean {
  return status < 400 || status === 401 || status === 403 || status === 429 || status === 503
}

/** Statuses that say nothing more than the JSON-RPC error beside them. */
function isPlain(status: number): boolean {
  return status === 200 || isFault(status)
}

/** Something was wrong with the message, or with what came of it. */
function isFault(status: number): boolean {
  return status === 400 || status === 422 || status === 500
}

function parse({ bytes }: Received): unknown {
  if (bytes.length === 0) return undefined
  try {
    return readMessage(bytes)
  } catch (cause) {
    throw new LinkFailure('broken', 'the answer is not JSON', { cause })
  }
}

/** The failure a status above 299 stands for. */
function refusal({ message, head }: Received): LinkFailure {
  const { status } = head
  if (status < 400) {
    const hint = `redirects are not followed: set "url" to where it moved`
    return new LinkFailure('hopeless', `redirected with HTTP ${status}`, { hint })
  }
  if (status === 401 || status === 403) {
    const hint = 'set "headers" with valid credentials'
    return new LinkFailure(status === 401 ? 'unauthorized' : 'forbidden', `not authorized: HTTP ${status}`, { hint })
  }
  if (status === 429 || status === 503) return busy(head)
  const isFirst = message.method === 'initialize'
  if (isFirst && [400, 404, 405].includes(status))
    return new LinkFailure('unsuitable', `no Streamable HTTP at this URL: HTTP ${status}`)
  return new LinkFailure(status >= 500 ? 'unreachable' : 'broken', `HTTP ${status}`)
}

/** 404 by the specification; some servers say 400 after a restart, in whatever form, with words about the session. */
function isSessionLoss({ message, head: { status }, bytes, inSession }: Received, value: unknown): boolean {
  if (!inSession || status === 404) return inSession
  if (status !== 400) return false
  if (!isRecord(value)) return value === undefined && isAboutSession(bytes.toString())
  if (!isRecord(value.error)) return false
  // For this very request it may be a tool's own error about sessions of its own: only the transport's code is believed.
  return (value.id !== message.id || value.error.code === -32000) && isAboutSession(String(value.error.message))
}

function isAboutSession(text: string): boolean {
  return /session|not initialized/i.test(text)
}

/** Why a server that says 429 or 503 is to be left alone, and for how long if it says that. */
export function busy(head: Head): LinkFailure {
  const wait = retryAfter(header(head, 'retry-after'), Date.now())
  const message = `the server asks for a pause: HTTP ${head.status}`
  return new LinkFailure('busy', message, wait === undefined ? {} : { retryAfterMs: wait })
}

/** Also what nobody should write: `1e12` is no date, but it is a wish. */
const isNumber = /^-?\d+(?:\.\d+)?(?:e\d+)?$/i

/** `Retry-After` in milliseconds, seconds or a date, clamped to 1 s … 10 min; undefined for what is neither. */
export function retryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const ms = isNumber.test(value.trim()) ? Number(value) * SECOND : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, SECOND), 10 * MINUTE)
}

/** Whether the value, or one in it when it is a batch, is the answer to the request. */
export function answers(value: unknown, id: Id): boolean {
  if (Array.isArray(value)) return value.some((one) => answers(one, id))
  if (!isRecord(value) || value.method !== undefined) return false
  return value.id === id || value.id === String(id) || (value.id ?? null) === null
}
