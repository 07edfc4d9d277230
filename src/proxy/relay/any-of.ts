import { Aborter } from '../../shared/signal.ts'
import type { Asker } from '../downstream/asker.ts'
import type { Exchange, Sink } from '../mcp/exchange.ts'
import {
  errorResponse,
  INVALID_PARAMS,
  isError,
  isRecord,
  METHOD_NOT_FOUND,
  type Params,
  RESOURCE_NOT_FOUND,
  RpcFailure,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import { notFoundCode } from './router.ts'

export interface AnyOfOptions {
  readonly asker: Asker
  readonly request: RpcRequest
  readonly params: Params
  readonly servers: readonly string[]
  readonly call: (server: string, exchange: Exchange) => Promise<RpcResponse>
}

/**
 * Asks all servers that might know a URI at the same time, so that a slow one does not hold up the one that does.
 * The first result wins and ends the others; undefined when the client no longer waits.
 */
export async function askAll({
  asker,
  request,
  params,
  servers,
  call,
}: AnyOfOptions): Promise<RpcResponse | undefined> {
  const over = new Aborter()
  asker.began(request.id, over)
  const { caller } = asker
  const exchange: Exchange = { method: request.method, params, sink: silent, signal: over.signal, caller }
  try {
    const tries = servers.map(async (server) => {
      const response = await call(server, exchange)
      if (isError(response)) throw response
      return response
    })
    return await Promise.any(tries)
  } catch (thrown) {
    return over.signal.aborted ? undefined : firstReason(asker, request, thrown)
  } finally {
    over.abort('Another server has the resource')
    asker.ended(request.id, over)
  }
}

/** A question to several servers has no side conversation. */
const silent: Sink = {
  notify: () => {},
  request: (request) => Promise.reject(new RpcFailure(METHOD_NOT_FOUND, `${request.method} is not possible here`)),
}

/** Of several refusals the first that says more than "not found"; the caller knows the URI already. */
function firstReason({ caller }: Asker, request: RpcRequest, thrown: unknown): RpcResponse {
  const reasons: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  const told = reasons.find((reason) => isRecord(reason) && isRecord(reason.error) && !isNotFound(reason.error.code))
  if (isRecord(told) && isRecord(told.error)) return { jsonrpc: '2.0', id: request.id, error: errorOf(told.error) }
  const uri = request.params?.uri
  return errorResponse(request.id, notFoundCode(caller.era), `Resource not found: ${String(uri)}`, { uri })
}

function isNotFound(code: unknown): boolean {
  return code === RESOURCE_NOT_FOUND || code === INVALID_PARAMS
}

function errorOf({ code, message, ...rest }: Params): { code: number; message: string } {
  return { code: Number(code), message: String(message), ...rest }
}
