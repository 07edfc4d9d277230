import { refusalOf } from '../catalog/integrity.ts'
import type { Exchange } from '../mcp/exchange.ts'
import { errorResponse, METHOD_NOT_FOUND, type RpcResponse } from '../mcp/rpc.ts'
import type { Connection } from '../upstream/connection.ts'
import type { Crossing } from './crossing.ts'
import { drive } from './drive.ts'
import { isBridged } from './methods.ts'
import { park } from './park.ts'

/**
 * Carries an exchange over a connection of either era: as it is when caller and server are of the same one, else
 * translated both ways. Resolves with a response of the caller's era; rejects as `Connection.call` does, and with
 * RpcFailure when what the server needs cannot be had from the client, or what is asked for is not as it was locked.
 */
export function carry(connection: Connection, exchange: Exchange, crossing: Crossing): Promise<RpcResponse> {
  const refusal = refusalOf(crossing.server, crossing.listing(), exchange)
  if (refusal) return Promise.reject(refusal)
  const { era } = exchange.caller
  if (connection.era === era) return connection.call(exchange)
  if (!isBridged(exchange.method, era))
    return Promise.resolve(errorResponse(null, METHOD_NOT_FOUND, 'Method not found'))
  return era === 'legacy' ? drive(connection, exchange, crossing) : park(connection, exchange, crossing)
}
