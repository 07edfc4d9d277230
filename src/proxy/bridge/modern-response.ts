import type { Exchange } from '../mcp/exchange.ts'
import {
  HEADER_MISMATCH,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  isError,
  MISSING_CAPABILITY,
  type Params,
  RESOURCE_NOT_FOUND,
  type RpcError,
  type RpcResponse,
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import { signed } from './signature.ts'

/** "URL elicitation required" of 2025-11-25: no error of the modern era, which asks with a result instead. */
export const URL_ELICITATION_REQUIRED = -32042

/** Codes that mean something else in the modern era than a legacy server can have meant, or must not be used there. */
const translated: Readonly<Record<number, number>> = {
  [RESOURCE_NOT_FOUND]: INVALID_PARAMS,
  [URL_ELICITATION_REQUIRED]: INTERNAL_ERROR,
  [HEADER_MISMATCH]: INTERNAL_ERROR,
  [MISSING_CAPABILITY]: INTERNAL_ERROR,
  [UNSUPPORTED_VERSION]: INTERNAL_ERROR,
}

/** A legacy server's response as its modern caller can take it (MCP: Basic, Responses and Error Codes). */
export function modernResponse(response: RpcResponse, { method }: Exchange, serverInfo: Params): RpcResponse {
  return isError(response) ? modernError(response) : signed(response, serverInfo, method === 'resources/read')
}

function modernError(response: RpcError): RpcError {
  const code = translated[response.error.code]
  return code === undefined ? response : { ...response, error: { ...response.error, code } }
}
