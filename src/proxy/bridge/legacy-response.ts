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
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import type { Crossing } from './crossing.ts'
import { stripSignature } from './envelope.ts'
import { needsWrap } from './schema.ts'

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
  const isNamed = !isRecord(content) || needsWrap(listing()?.tools.find(({ name }) => name === tool)?.outputSchema)
  return isNamed ? { ...result, structuredContent: { result: content } } : result
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
    ...(isRecord(data) ? data : {}),
    ...facts,
  })
}
