import type { Exchange } from '../mcp/exchange.ts'

/**
 * The exchange as it goes on in the server's era. Built field by field: an exchange may be an object of a class, of
 * which a spread would leave half behind.
 */
export function across(exchange: Exchange, changed: Pick<Exchange, 'params' | 'sink' | 'signal'>): Exchange {
  const { method, caller, headers, forwarded } = exchange
  const era = caller.era === 'legacy' ? 'modern' : 'legacy'
  const head = { ...(headers && { headers }), ...(forwarded && { forwarded }) }
  return { method, ...changed, caller: { ...caller, era }, ...head }
}
