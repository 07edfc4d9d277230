import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pulse } from '../../src/proxy/downstream/pulse.ts'

/** An HTTP server in this process that hands each request to `act`. */
export async function serve(act: (response: ServerResponse, pulse: Pulse, request: IncomingMessage) => void) {
  const pulse = new Pulse()
  const server = createServer((request, response) => act(response, pulse, request))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      pulse[Symbol.dispose]()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
