import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { readBody, type Unread } from '../../../src/proxy/downstream/body.ts'
import type { Beating } from '../../../src/proxy/downstream/pulse.ts'
import { Listener, patience } from '../../../src/proxy/listener.ts'
import { groupOf } from '../../helpers/group.ts'
import { post } from '../../helpers/mcp.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'
import { rawStatus } from '../../helpers/raw-http.ts'
import { serve } from '../../helpers/serve.ts'
import { waitFor } from '../../helpers/wait.ts'

/** Sockets that say so much and no more; what comes back is kept. */
async function mute(count: number, { port, host }: { readonly port: number; readonly host: string }, text: string) {
  const heard = Array.from({ length: count }, () => '')
  const sockets: Socket[] = []
  for (let i = 0; i < count; i++) {
    const socket = connect(port, host)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      heard[i] += String(chunk)
    })
    socket.write(text)
    sockets.push(socket)
  }
  await Promise.all(sockets.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)))
  return {
    heard,
    sockets,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('D-01: a thousand heads that never end are answered with 408 in time, and keep nobody waiting', async () => {
  expect(patience.head + patience.check).toBeLessThanOrEqual(10_000)
  using socket = await holdSocket()
  using _listener = await Listener.on(
    { handle: socket.handle },
    {
      told: socket,
      serve: (_request, response) => void response.end('served'),
      mostConnections: 2000,
      patience: { head: 500, request: 30_000, check: 100 },
    },
  )
  using slow = await mute(1000, socket, 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-')
  const dripping = setInterval(() => {
    for (const one of slow.sockets) if (!one.destroyed) one.write('a')
  }, 50)
  const good = await fetch(`http://${socket.host}:${socket.port}/`)
  expect(await good.text()).toBe('served')
  await waitFor(() => slow.heard.every((text) => text.startsWith('HTTP/1.1 408 ')))
  clearInterval(dripping)
})

test('D-02: a body that drips is refused, one in pieces is not', async () => {
  const watched = new Set<Beating>()
  const outcomes: (number | Unread)[] = []
  await using server = await serve((response, _pulse, request) => {
    const pulse = { add: (one: Beating) => void watched.add(one), delete: (one: Beating) => void watched.delete(one) }
    void readBody(request, { limit: 100_000, pulse }).then((read) => {
      outcomes.push(typeof read === 'string' ? read : read.length)
      response.end()
    })
  })
  const later = (ms: number) => {
    for (const one of watched) one.beat(performance.now() + ms)
  }
  using slow = await mute(1, { port: server.port, host: '127.0.0.1' }, head)
  await waitFor(() => slow.sockets[0]?.write('a') && watched.size > 0)
  later(4000)
  expect(outcomes).toEqual([])
  later(6000)
  await waitFor(() => outcomes.length === 1)
  using steady = await mute(1, { port: server.port, host: '127.0.0.1' }, `${head}${'x'.repeat(25_000)}`)
  await waitFor(() => steady.sockets[0]?.write('x'.repeat(100)) && watched.size > 0)
  later(6000)
  steady.sockets[0]?.write('x'.repeat(50_000))
  await waitFor(() => outcomes.length === 2)
  expect(outcomes).toEqual(['slow', 50_000])
  expect(watched.size).toBe(0)
})

const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n'

test('D-02: the whole of a request has an end, even of one that keeps the pace', async () => {
  using socket = await holdSocket()
  using _listener = await Listener.on(
    { handle: socket.handle },
    {
      told: socket,
      serve: (request, response) => void request.resume().on('end', () => response.end()),
      mostConnections: 10,
      patience: { head: 200, request: 400, check: 50 },
    },
  )
  using slow = await mute(1, socket, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\nx')
  const dripping = setInterval(() => slow.sockets[0]?.write('x'.repeat(10)), 20)
  await waitFor(() => slow.heard[0]?.startsWith('HTTP/1.1 408 '))
  clearInterval(dripping)
})

test('D-33: ten thousand requests on one connection are all served', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([]), socket })
  const one = `GET /livez HTTP/1.1\r\nHost: ${socket.host}\r\n\r\n`
  const connection = connect(socket.port, socket.host)
  let answers = 0
  connection.on('data', (chunk) => {
    answers += String(chunk).split('HTTP/1.1 200 ').length - 1
  })
  for (let sent = 0; sent < 10_000; sent += 500) {
    connection.write(one.repeat(500))
    await waitFor(() => answers >= sent + 450)
  }
  await waitFor(() => answers >= 9_990)
  connection.destroy()
  expect((await post(`${proxy.url}/mcp`, {})).status).toBe(400)
})

test.each([
  ['HTTP/1.0 with a Host', 'GET /livez HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n', 200],
  ['HTTP/1.0 without one', 'GET /livez HTTP/1.0\r\n\r\n', 400],
  ['an unknown version', 'GET /livez HTTP/3.0\r\nHost: 127.0.0.1\r\n\r\n', 400],
  ['Upgrade', 'GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 400],
  ['Upgrade, h2c', 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', 200],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 405],
  ['TRACE', 'TRACE /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 405],
] as const)('D-33: %s is answered with %#', async (_what, text, status) => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([]), socket })
  expect(await rawStatus(proxy.url, text)).toBe(status)
  expect(await rawStatus(proxy.url, 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe(200)
})
