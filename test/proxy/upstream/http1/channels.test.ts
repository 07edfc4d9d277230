import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { createPool } from '../../../../src/proxy/upstream/http-client.ts'
import type { PoolOptions } from '../../../../src/proxy/upstream/pool.ts'
import { waitFor } from '../../../helpers/wait.ts'
import { byteServer, ok, post, receive } from './bytes.ts'

const poolOf = ({ origin }: { origin: string }, more: Partial<PoolOptions> = {}) =>
  createPool({ origin, idle: 60_000, connect: 5000, warm: 4, ...more })

test('takes an answer after one that only says to go on', async () => {
  await using server = await byteServer(({ socket }) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${ok()}`))
  await using pool = poolOf(server)
  expect(await receive(pool)).toMatchObject({ head: { status: 200 }, body: 'ok', isComplete: true })
})

test('uses the connection again in the very tick in which an answer ended', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  pool.widen()
  for (let i = 0; i < 5; i++) await receive(pool)
  expect(server.sockets).toHaveLength(1)
})

test('uses the connection again after a large request', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  pool.widen()
  for (let i = 0; i < 5; i++) await receive(pool, { body: 'x'.repeat(1_000_000 * i) })
  expect(server.sockets).toHaveLength(1)
})

test('shares one connection while connecting', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await Promise.all(Array.from({ length: 8 }, () => receive(pool)))
  expect(server.sockets).toHaveLength(1)
})

test('opens another connection while connecting when the one it shares is held up', async () => {
  await using server = await byteServer(({ socket, connection }) => connection > 0 && socket.write(ok()))
  await using pool = poolOf(server)
  const held = receive(pool)
  await Promise.all([receive(pool), receive(pool), receive(pool)])
  expect(server.sockets).toHaveLength(2)
  server.sockets[0]?.write(ok())
  await held
})

test('lets a request wait for no other one once it is connected', async () => {
  await using server = await byteServer(() => {})
  await using pool = poolOf(server)
  pool.widen()
  const sent = Promise.allSettled(Array.from({ length: 8 }, () => receive(pool)))
  await waitFor(() => server.requests.length === 8)
  expect(server.sockets).toHaveLength(8)
  for (const socket of server.sockets) socket.write(ok())
  await sent
})

test('gives a request whichever connection is free first', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await receive(pool)
  pool.widen()
  await Promise.all(Array.from({ length: 8 }, () => receive(pool)))
  const first = server.requests.length
  expect(first).toBe(9)
  // Those that were opened meanwhile are there for the next calls.
  await Promise.all(Array.from({ length: 8 }, () => receive(pool)))
  expect(server.sockets.length).toBeLessThanOrEqual(8)
})

test('opens none for requests that those there are answer soon', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await receive(pool)
  pool.widen()
  pool.warm()
  await waitFor(() => server.sockets.length === 4)
  for (let i = 0; i < 20; i++) await receive(pool)
  await Promise.all(Array.from({ length: 8 }, () => receive(pool)))
  expect(server.sockets).toHaveLength(4)
})

test('has all requests under way, however many, when answers take long', async () => {
  await using server = await byteServer(() => {})
  await using pool = poolOf(server)
  pool.widen()
  pool.warm()
  await waitFor(() => server.sockets.length === 4)
  const sent = Array.from({ length: 64 }, () => receive(pool))
  await waitFor(() => server.requests.length === 64)
  for (const socket of server.sockets) socket.write(ok())
  await Promise.all(sent)
  expect(server.sockets).toHaveLength(64)
})

test('answers all on the connections there are when the server takes no more of them', async () => {
  await using server = await byteServer(({ socket }, request) => {
    const [, body] = /\r\n\r\n(.*)/.exec(request) ?? []
    setTimeout(() => socket.write(ok(body)), 5)
  })
  await using pool = poolOf(server)
  await receive(pool)
  server.refuse()
  pool.widen()
  pool.warm()
  const bodies = Array.from({ length: 16 }, (_, i) => `${i}`)
  const received = await Promise.all(bodies.map((body) => receive(pool, { body })))
  expect(received.map(({ body }) => body)).toEqual(bodies)
})

test('makes connections ready for calls that come at once, and no more than it is told to', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await receive(pool)
  pool.widen()
  pool.warm()
  pool.warm()
  await waitFor(() => server.sockets.length === 4)
  await receive(pool)
  pool.warm()
  await receive(pool)
  expect(server.sockets).toHaveLength(4)
})

test('keeps a stream off the connections for calls, and keeps its connection when there is none', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await receive(pool)
  pool.widen()
  await receive(pool, { method: 'GET', body: undefined, isStream: true })
  expect(server.sockets).toHaveLength(2)
  await Promise.all([receive(pool), receive(pool)])
  expect(server.sockets).toHaveLength(2)
})

test('closes a connection that was not used for so long', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server, { idle: 50 })
  await receive(pool)
  await waitFor(() => server.open === 0)
})

test('does not use a connection that the server is about to close', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok('ok', ['keep-alive: timeout=1'])))
  await using pool = poolOf(server)
  await receive(pool)
  await receive(pool)
  expect(server.sockets).toHaveLength(2)
})

test('closes an unused connection a second before the server would', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok('ok', ['Keep-Alive: timeout=2, max=100'])))
  await using pool = poolOf(server)
  await receive(pool)
  await receive(pool)
  expect(server.sockets).toHaveLength(1)
  await waitFor(() => server.open === 0)
})

test('has another connection ready when the last one of a server in use runs out', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok('ok', ['keep-alive: timeout=5'])))
  await using pool = poolOf(server)
  await receive(pool)
  pool.widen()
  await waitFor(() => server.sockets.length === 2)
  expect(server.sockets[0]?.destroyed || server.sockets[0]?.readableEnded).toBe(true)
  await receive(pool)
  expect(server.sockets).toHaveLength(2)
})

test('leaves a server alone that closes what is not used at once', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok('ok', ['keep-alive: timeout=2'])))
  await using pool = poolOf(server)
  await receive(pool)
  pool.widen()
  await waitFor(() => server.open === 0)
  expect(server.sockets).toHaveLength(1)
})

test('sends nothing on a connection that the server has closed', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  for (let i = 0; i < 3; i++) {
    await receive(pool)
    server.sockets[i]?.end()
    await waitFor(() => server.open === 0)
  }
  expect(server.sockets).toHaveLength(3)
})

test.each([
  ['a second answer', ok('other')],
  ['the beginning of one', 'HTT'],
  ['garbage', '\x00\x01'],
])('does not use a connection again on which %s followed', async (_what, more) => {
  await using server = await byteServer(({ socket, connection }) => socket.write(ok(`${connection}`) + more))
  await using pool = poolOf(server)
  expect((await receive(pool)).body).toBe('0')
  expect((await receive(pool)).body).toBe('1')
  await waitFor(() => server.open === 0)
})

test('closes an unused connection on which something came unasked', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await receive(pool)
  server.sockets[0]?.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n')
  await waitFor(() => server.open === 0)
  expect((await receive(pool)).body).toBe('ok')
})

test('fails a request that a reused connection did not survive, and sends it once', async () => {
  await using server = await byteServer(({ socket }, request) => {
    if (request.includes('fatal')) socket.destroy()
    else socket.write(ok())
  })
  await using pool = poolOf(server)
  await receive(pool)
  await expect(receive(pool, { body: 'fatal' })).rejects.toMatchObject({ kind: 'unreachable' })
  expect(server.requests.filter((request) => request.includes('fatal'))).toHaveLength(1)
})

test('opens no connection in place of one whose request was given up', async () => {
  await using server = await byteServer(() => {})
  await using pool = poolOf(server)
  pool.widen()
  const abort = new AbortController()
  const sent = receive(pool, { signal: abort.signal })
  await waitFor(() => server.requests.length === 1)
  abort.abort(new Error('given up'))
  await expect(sent).rejects.toThrow('given up')
  await waitFor(() => server.open === 0)
  const next = receive(pool)
  await waitFor(() => server.requests.length === 2)
  server.sockets[1]?.write(ok())
  await next
  expect(server.sockets).toHaveLength(2)
})

test('lets go of a request that waits for a connection', async () => {
  await using server = await byteServer(() => {})
  await using pool = poolOf(server)
  const held = receive(pool)
  const abort = new AbortController()
  const waiting = receive(pool, { body: 'given up', signal: abort.signal })
  const after = receive(pool, { body: 'wanted' })
  abort.abort(new Error('given up'))
  await expect(waiting).rejects.toThrow('given up')
  await waitFor(() => server.requests.length > 0)
  server.sockets[0]?.write(ok())
  await held
  await waitFor(() => server.requests.length === 2)
  for (const socket of server.sockets) socket.write(ok())
  await after
  expect(server.requests.join()).not.toContain('given up')
})

test('gives up on a handshake that takes too long', async () => {
  // Accepts the connection, but never answers the TLS greeting.
  const mute = createServer((socket) => socket.resume().on('error', () => {}))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const address = mute.address()
  const port = typeof address === 'object' ? address?.port : 0
  await using pool = createPool({ origin: `https://127.0.0.1:${port}`, idle: 60_000, connect: 100, warm: 1 })
  const all = await Promise.allSettled([receive(pool), receive(pool)])
  const late = { status: 'rejected', reason: expect.objectContaining({ message: 'no connection in time' }) }
  expect(all).toEqual([late, late])
  await new Promise((resolve) => mute.close(resolve))
})

test('writes the common part of requests once, and notices another object', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await receive(pool)
  await receive(pool, { path: '/other' })
  await receive(pool, { headers: { 'x-key': 'other' } })
  await receive(pool, { method: 'DELETE', body: undefined })
  const firsts = server.requests.map((request) => [request.split('\r\n')[0], /x-key: (.*)/.exec(request)?.[1]])
  expect(firsts).toEqual([
    [`POST ${post.path} HTTP/1.1`, 'k'],
    ['POST /other HTTP/1.1', 'k'],
    [`POST ${post.path} HTTP/1.1`, 'other'],
    [`DELETE ${post.path} HTTP/1.1`, 'k'],
  ])
})
