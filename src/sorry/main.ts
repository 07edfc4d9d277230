import { createServer } from 'node:http'
import { Server as NetServer } from 'node:net'
import { EXIT, LISTEN_FD } from '../proxy/protocol.ts'
import { pause } from '../shared/async.ts'

/**
 * `node sorry.js MS`: stands in for a proxy that cannot run, of which more is known in so many milliseconds. Without it
 * callers would wait in the socket's queue. It accepts until its stdin ends, and goes when it has answered.
 */
const LINGER_MS = 1_000
const dueAt = performance.now() + Number(process.argv[2])

let connections = 0
const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
  // An answer to half a request is cut off with the connection, so the rest is taken in first.
  request.resume().once('end', () => {
    const retryAfterMs = Math.max(1_000, Math.round(dueAt - performance.now()))
    const retryAfter = String(Math.ceil(retryAfterMs / 1_000))
    response.writeHead(503, { 'content-type': 'application/json', 'retry-after': retryAfter, connection: 'close' })
    response.end(apology(retryAfterMs))
  })
})
server.maxConnections = 512
server.on('connection', (socket) => {
  connections++
  socket.once('close', () => connections--)
})
// Somebody else has the port: there is nobody to answer.
server.once('error', () => process.exit(EXIT.temporary))
server.listen({ fd: LISTEN_FD, backlog: 4096 })
process.stdin.resume().once('end', () => void leave())
// Ctrl-C in a terminal is the supervisor's to act on.
process.on('SIGINT', () => {})

function apology(retryAfterMs: number): string {
  const data = { mcpctl: { kind: 'upstream_unavailable', retryable: true, retryAfterMs } }
  const error = { code: -31001, message: 'The proxy of this group cannot run at the moment', data }
  return JSON.stringify({ jsonrpc: '2.0', id: null, error })
}

/** Not `server.close()`: that would cut connections whose request is still on its way. */
async function leave(): Promise<void> {
  NetServer.prototype.close.call(server)
  const deadline = performance.now() + LINGER_MS
  while (connections > 0 && performance.now() < deadline) await pause(20)
  process.exit(EXIT.done)
}
