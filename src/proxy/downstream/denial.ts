import type { ServerResponse } from 'node:http'
import type { Id } from '../mcp/rpc.ts'

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

export function deny(response: ServerResponse, { status, code, message, data, id, headers }: Denial): void {
  if (response.headersSent || response.destroyed) return
  const body = JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } })
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** Tells a denial from what it stands in for. */
export function isDenial(value: object): value is Denial {
  return 'status' in value && 'message' in value
}
