/**
 * JSON-RPC messages as the relay sees them: open records whose unknown fields are nobody's business here. Guards look
 * at the shape only as far as routing needs it; nothing is validated against a schema on the way through.
 */
export type Id = string | number

export type Params = Record<string, unknown>

export interface RpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly method: string
  readonly params?: Params
  readonly [field: string]: unknown
}

export interface RpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Params
  readonly [field: string]: unknown
}

interface RpcResult {
  readonly jsonrpc: '2.0'
  readonly id: Id
  readonly result: Params
  readonly [field: string]: unknown
}

export interface RpcError {
  readonly jsonrpc: '2.0'
  readonly id: Id | null
  readonly error: {
    readonly code: number
    readonly message: string
    readonly data?: unknown
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

export type RpcResponse = RpcResult | RpcError
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

export function isMessage(value: unknown): value is RpcMessage {
  if (!isRecord(value) || value.jsonrpc !== '2.0') return false
  if (typeof value.method === 'string') return value.params === undefined || isRecord(value.params)
  return 'result' in value || isRecord(value.error)
}

export function isRequest(message: RpcMessage): message is RpcRequest {
  return typeof message.method === 'string' && (typeof message.id === 'string' || isExact(message.id))
}

/** A number that many digits would have to be rounded for is no id: the answer would have another one. */
function isExact(id: unknown): boolean {
  return typeof id === 'number' && Math.abs(id) <= Number.MAX_SAFE_INTEGER
}

export function isNotification(message: RpcMessage): message is RpcNotification {
  return typeof message.method === 'string' && message.id === undefined
}

export function isResponse(message: RpcMessage): message is RpcResponse {
  return message.method === undefined
}

/** Some servers put `"error": null` beside every result: that is none. */
export function isError(response: RpcResponse): response is RpcError {
  return isRecord(response.error)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value if it is an object, else an empty one. */
export function recordOf(value: unknown): Params {
  return isRecord(value) ? value : {}
}

/** Codes of the JSON-RPC and MCP specifications that the proxy itself answers with. */
export const PARSE_ERROR = -32700
export const INVALID_REQUEST = -32600
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
export const INTERNAL_ERROR = -32603
/** Of the legacy era only: the resource is not there. */
export const RESOURCE_NOT_FOUND = -32002
/** Of the modern era (2026-07-28) only: head and body disagree; a revision we do not speak. */
export const HEADER_MISMATCH = -32020
export const MISSING_CAPABILITY = -32021
export const UNSUPPORTED_VERSION = -32022

/** Our own codes: outside the range JSON-RPC reserves, as the specification asks of local errors. */
export const failures = {
  upstream_unavailable: -31001,
  upstream_timeout: -31002,
  overloaded: -31003,
  policy_denied: -31004,
  pinned_tool_changed: -31005,
  draining: -31006,
} as const satisfies Record<string, number>

export interface FailureFacts {
  readonly upstream: string
  readonly kind: keyof typeof failures | string
  readonly retryable: boolean
  readonly retryAfterMs?: number
}

/** A failure of mcpctl's own, not of the server: becomes `{code, message, data: {mcpctl: facts}}`. */
export class RpcFailure extends Error {
  override readonly name = 'RpcFailure'
  readonly code: number
  readonly facts: FailureFacts | undefined

  constructor(code: number, message: string, facts?: FailureFacts) {
    super(message)
    this.code = code
    this.facts = facts
  }
}

export function errorResponse(id: Id | null, code: number, message: string, data?: unknown): RpcError {
  return { jsonrpc: '2.0', id, error: data === undefined ? { code, message } : { code, message, data } }
}

/** Any thrown value as the answer to `id`; what is not a RpcFailure is an internal error without details. */
export function failureResponse(id: Id | null, thrown: unknown): RpcError {
  if (!(thrown instanceof RpcFailure)) return errorResponse(id, INTERNAL_ERROR, 'Internal error')
  return errorResponse(id, thrown.code, thrown.message, thrown.facts && { mcpctl: thrown.facts })
}
