import type { Exchange } from '../mcp/exchange.ts'
import {
  errorResponse,
  HEADER_MISMATCH,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  isError,
  isRecord,
  MISSING_CAPABILITY,
  type Params,
  RESOURCE_NOT_FOUND,
  type RpcError,
  type RpcResponse,
  recordOf,
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import { isUnread } from '../mcp/written.ts'
import type { Listing } from '../upstream/listing.ts'
import type { Crossing } from './crossing.ts'
import { stripSignature } from './envelope.ts'
import { needsWrap } from './schema.ts'
import { type Answer, unreadContent, unsigned } from './signature.ts'

/** The modern era's own errors are about one hop: the client two hops away did not send what they complain of. */
const hopErrors: Readonly<Record<number, string>> = {
  [HEADER_MISMATCH]: 'does not accept the headers of the request',
  [MISSING_CAPABILITY]: 'requires capabilities the client has not declared',
  [UNSUPPORTED_VERSION]: 'does not speak the protocol version of the request',
}

/** A modern server's response to `exchange` as its legacy caller can take it. */
export function legacyResponse(response: RpcResponse, exchange: Exchange, crossing: Crossing): RpcResponse {
  if (isError(response)) return legacyError(response, exchange, crossing)
  const { resultType = 'complete' } = response.result
  if (resultType !== 'complete') return unknownResult(response.id, resultType, crossing)
  return { ...response, result: legacyResult(response.result, exchange, crossing) }
}

/** The same in the text it came in; undefined where somebody has to read it first. */
export function legacyText(response: RpcResponse, exchange: Exchange, crossing: Crossing): RpcResponse | undefined {
  const listing = crossing.listing()
  if (isError(response) || exchange.method === 'resources/read' || !listing) return undefined
  return isToWrap(response, exchange, listing) ? undefined : unsigned(response, listing.serverInfo)
}

/** Says why on the way: all a legacy client could do with such a result is misread it. */
function unknownResult(id: RpcResponse['id'], resultType: unknown, { upstream }: Crossing): RpcError {
  const message = `Server "${upstream}" answered with a result of type ${JSON.stringify(resultType)}, which a client of an earlier protocol version cannot take`
  return errorResponse(id, INTERNAL_ERROR, message, {
    mcpctl: { upstream, kind: 'result_type_unknown', retryable: false },
  })
}

function legacyResult(signed: Params, { method, params }: Exchange, crossing: Crossing): Params {
  const result = stripSignature(signed)
  if (method === 'tools/call') return wrapped(result, params?.name, crossing)
  if (method !== 'resources/read') return result
  const { ttlMs: _ttl, cacheScope: _scope, ...read } = result
  return read
}

/**
 * Structured content fits the schema the client was shown: what is no object is wrapped as no legacy schema could say
 * otherwise, an object when its tool's schema is, since one that allows objects among others is wrapped as well.
 */
function wrapped(result: Params, tool: unknown, { listing }: Crossing): Params {
  const { structuredContent: content } = result
  if (content === undefined) return result
  const isNamed = !isRecord(content) || wraps(listing(), tool)
  return isNamed ? { ...result, structuredContent: { result: content } } : result
}

/** Of what nobody has read it is not certain: then it counts as such. */
function isToWrap(response: Answer, { method, params }: Exchange, listing: Listing): boolean {
  if (method !== 'tools/call') return false
  const content = isUnread(response) ? unreadContent(response) : response.result.structuredContent
  return content !== undefined && (!isRecord(content) || wraps(listing, params?.name))
}

/** Tools of a listing whose output is wrapped: looked for once. */
const wrapping = new WeakMap<Listing, ReadonlySet<unknown>>()

function wraps(listing: Listing | undefined, tool: unknown): boolean {
  if (!listing) return false
  const known = wrapping.get(listing)
  if (known) return known.has(tool)
  const found = new Set(listing.tools.filter(({ outputSchema }) => needsWrap(outputSchema)).map(({ name }) => name))
  wrapping.set(listing, found)
  return found.has(tool)
}

function legacyError(response: RpcError, { method, params }: Exchange, { upstream }: Crossing): RpcError {
  const { error } = response
  const { data } = error
  const isAbsent = method === 'resources/read' && isRecord(data) && data.uri === params?.uri
  if (error.code === INVALID_PARAMS && isAbsent) return { ...response, error: { ...error, code: RESOURCE_NOT_FOUND } }
  const reason = hopErrors[error.code]
  if (reason === undefined) return response
  const facts = { mcpctl: { upstream, kind: 'protocol_mismatch', retryable: false } }
  return errorResponse(response.id, INTERNAL_ERROR, `Server "${upstream}" ${reason}: ${error.message}`, {
    ...recordOf(data),
    ...facts,
  })
}
