import type { ServerResponse } from 'node:http'
import { type FailureFacts, failures, type Id } from '../mcp/rpc.ts'
import type { Visit } from './visit.ts'

/** A request refused before it is anybody's: an HTTP status and a JSON-RPC error body, without an id where none is known. */
export interface Denial {
  readonly status: number
  readonly code: number
  readonly message: string
  readonly data?: unknown
  readonly id?: Id
  readonly headers?: Readonly<Record<string, string>>
}

/** The code the SDKs use for what the transport refuses, and clients know. */
export const REFUSED = -32000
/** Likewise for a session that is not known: the client starts a new one. */
export const SESSION_NOT_FOUND = -32001

export function refusal(status: number, message: string, headers?: Denial['headers']): Denial {
  return headers ? { status, code: REFUSED, message, headers } : { status, code: REFUSED, message }
}

/** Too much of something: the same request is good later. */
export function overloaded(status: number, message: string, retryAfterMs: number): Denial {
  return busy('overloaded', { status, message, retryAfterMs })
}

export function busy(kind: 'overloaded' | 'draining', { status, message, retryAfterMs }: Busy): Denial {
  const data = { mcpctl: { upstream: '', kind, retryable: true, retryAfterMs } satisfies FailureFacts }
  const headers = { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }
  return { status, code: failures[kind], message, data, headers }
}

interface Busy {
  readonly status: number
  readonly message: string
  readonly retryAfterMs: number
}

export function deny(response: ServerResponse, denial: Denial): void {
  if (say(response, denial)) response.end()
}

/** Closed while its client still sends, a connection is reset, and the client never reads why. */
const LINGER_MS = 2000
const MOST_UNREAD = 16 * 1024 * 1024

/** Refuses a request whose body nobody reads: what still comes of it is thrown away before the connection is closed. */
export function denyUnread({ request, response }: Pick<Visit, 'request' | 'response'>, denial: Denial): void {
  if (!say(response, denial)) return
  let left = MOST_UNREAD
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  request.once('close', end)
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) end()
  })
  request.resume()
}

/** All of the answer but its end; returns whether there was still something to answer. */
function say(response: ServerResponse, { status, code, message, data, id, headers }: Denial): boolean {
  if (response.headersSent || response.destroyed) return false
  const body = JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.write(body)
  return true
}

/** Tells a denial from what it stands in for. */
export function isDenial(value: object): value is Denial {
  return 'status' in value && 'message' in value
}
