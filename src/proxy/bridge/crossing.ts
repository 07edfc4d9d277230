import type { Exchange } from '../mcp/exchange.ts'
import type { Params } from '../mcp/rpc.ts'
import type { Listing } from '../upstream/listing.ts'
import type { Parking } from './parking.ts'

/** Where calls cross from one era to the other: what of one server the translation needs to know. */
export interface Crossing {
  /** The server's name. */
  readonly upstream: string
  readonly parking: Parking
  /** What the server lists now. */
  readonly listing: () => Listing | undefined
}

/**
 * The exchange as it goes on in the server's era. Built field by field: an exchange may be an object of a class, of
 * which a spread would leave half behind.
 */
export function across(exchange: Exchange, changed: Pick<Exchange, 'params' | 'sink' | 'signal'>): Exchange {
  const { method, caller, headers } = exchange
  const era = caller.era === 'legacy' ? 'modern' : 'legacy'
  return { method, ...changed, caller: { ...caller, era }, ...(headers && { headers }) }
}

/** The params without what only a retry carries (MCP: Multi Round-Trip Requests). */
export function withoutAnswers(params: Params | undefined): Params | undefined {
  if (params?.inputResponses === undefined && params?.requestState === undefined) return params
  const { inputResponses: _responses, requestState: _state, ...rest } = params
  return rest
}
