import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Connection, releaseSocket } from '../downstream/released.ts'

/**
 * The connections on which no request is under way, not even the beginning of one; nobody here reads from them any
 * more. Node knows which they are, but all it offers is to close them: so here to be closed means to be named.
 */
export function releaseIdle(server: Server, sockets: Iterable<Socket>): readonly Connection[] {
  const all = [...sockets]
  const idle: Socket[] = []
  for (const socket of all) socket.destroy = () => named(socket, idle)
  server.closeIdleConnections()
  for (const socket of all) Reflect.deleteProperty(socket, 'destroy')
  return idle.flatMap((socket) => releaseSocket(socket) ?? [])
}

function named(socket: Socket, idle: Socket[]): Socket {
  idle.push(socket)
  return socket
}
