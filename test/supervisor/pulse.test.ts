import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import { expect, test } from 'vitest'
import { pulseLost } from '../../src/supervisor/pulse.ts'
import { freePort } from '../helpers/ports.ts'

test('P-11: is lost when nothing comes back several times in a row', async () => {
  await using silent = await listening(createSocketServer())
  expect(await pulseLost({ ...silent, everyMs: 20, signal: AbortSignal.timeout(5_000) })).toBe('lost')
})

test.each<[string, Server]>([
  ['an answer, whatever it says', createServer((_request, response) => response.writeHead(503).end())],
  ['a cut connection', createSocketServer((socket) => socket.destroy())],
])('is there as long as there is %s', async (_title, server) => {
  await using lively = await listening(server)
  expect(await pulseLost({ ...lively, everyMs: 10, signal: AbortSignal.timeout(200) })).toBe('ended')
})

test('is not lost by one question that was not answered', async () => {
  let asked = 0
  await using slow = await listening(createServer((_request, response) => void (asked++ % 3 === 0 && response.end())))
  expect(await pulseLost({ ...slow, everyMs: 10, signal: AbortSignal.timeout(300) })).toBe('ended')
})

async function listening(server: Server) {
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const open = new Set<{ destroy(): unknown }>()
  server.on('connection', (socket) => open.add(socket))
  return {
    listen: () => ({ host: '127.0.0.1', port }),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
