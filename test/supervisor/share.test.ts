import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { retriesAtOnce } from '../../src/supervisor/share.ts'
import { groupOf, serverOf } from '../helpers/group.ts'
import { holdSocket, startProxy } from '../helpers/proxy.ts'
import { waitFor } from '../helpers/wait.ts'

test('U-32: all proxies together try at most sixteen servers at once again, and each at least one', () => {
  for (let proxies = 1; proxies <= 16; proxies++) expect(proxies * retriesAtOnce(proxies)).toBeLessThanOrEqual(16)
  expect([1, 4, 5, 8, 9, 16, 100].map(retriesAtOnce)).toEqual([4, 4, 3, 2, 1, 1, 1])
})

test('U-32: a proxy tries no more servers at once again than it was told', async () => {
  await using silent = await silentServer()
  const transport = { kind: 'http', url: silent.url, headers: {} } as const
  const fields = { transport, timeouts: { connect: 200, request: 1000, max: 1000, idle: 1000 } }
  const servers = Array.from({ length: 6 }, (_, nth) => serverOf(`s${nth}`, fields))
  using socket = await holdSocket()
  await using _proxy = await startProxy({ group: groupOf(servers), socket, start: { retriesAtOnce: 1 } })
  await waitFor(() => silent.came >= 6 && silent.open === 0)
  silent.most = 0
  const enough = silent.came + 4
  await waitFor(() => silent.came >= enough)
  // The one before may still be closing.
  expect(silent.most).toBeLessThanOrEqual(2)
})

/** Takes connections and says nothing. */
async function silentServer() {
  const seen = { came: 0, open: 0, most: 0 }
  const server = createServer((socket) => {
    seen.came++
    seen.open++
    seen.most = Math.max(seen.most, seen.open)
    socket
      .on('error', () => {})
      .on('close', () => seen.open--)
      .resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(seen, {
    url: `http://127.0.0.1:${port}/mcp`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}
