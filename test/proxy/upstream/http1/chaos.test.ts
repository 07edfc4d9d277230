import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPool } from '../../../../src/proxy/upstream/http-client.ts'
import type { Pool, PoolOptions } from '../../../../src/proxy/upstream/pool.ts'
import { Aborter } from '../../../../src/shared/signal.ts'
import { freePort } from '../../../helpers/ports.ts'
import { waitFor } from '../../../helpers/wait.ts'
import { byteServer, ok, receive } from './bytes.ts'

const unreachable = { status: 'rejected', reason: expect.objectContaining({ kind: 'unreachable' }) }
const warnings: Error[] = []
const onWarning = (warning: Error): number => warnings.push(warning)

beforeEach(() => {
  process.on('warning', onWarning)
})

afterEach(async () => {
  await turn()
  process.off('warning', onWarning)
  expect(warnings.splice(0)).toEqual([])
})

const poolOf = ({ origin }: { origin: string }, more: Partial<PoolOptions> = {}) =>
  createPool({ origin, idle: 60_000, connect: 5000, warm: 4, ...more })

/** As for a server that a client has called. */
async function makeReady(pool: Pool): Promise<void> {
  await receive(pool)
  pool.widen()
  pool.warm()
}

const several = (count: number, one: (i: number) => Promise<unknown>) =>
  Promise.allSettled(Array.from({ length: count }, (_, i) => one(i)))

async function running(server: Server, port = 0) {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const answering = () => createServer((request, response) => request.resume().on('end', () => response.end('ok')))

test('loses nothing that is repeated once when the server closes as the next request is sent', async () => {
  let answers = 0
  await using server = await byteServer(({ socket }) => {
    socket.write(ok())
    const way = answers++ % 4
    if (way === 0) socket.end()
    else if (way === 1) setImmediate(() => socket.resetAndDestroy())
    else setTimeout(() => socket.end(), way - 2)
  })
  const pool = poolOf(server)
  await makeReady(pool)
  for (let i = 0; i < 2000; i++) {
    for (let wait = i % 4; wait > 0; wait--) await turn()
    const body = `number ${i};`
    await receive(pool, { body }).catch(() => receive(pool, { body }))
  }
  await pool[Symbol.asyncDispose]()
  await waitFor(() => server.open === 0)
}, 30_000)

test('sends what it says has failed at most once', async () => {
  let answers = 0
  await using server = await byteServer(({ socket }) => {
    socket.write(ok())
    if (answers++ % 3 > 0) setImmediate(() => socket.destroy())
  })
  await using pool = poolOf(server)
  await makeReady(pool)
  await several(1000, async (i) => {
    for (let wait = i; wait > 0; wait -= 8) await turn()
    await receive(pool, { body: `number ${i};` })
  })
  const bodies = server.requests.map((request) => request.slice(request.indexOf('\r\n\r\n') + 4))
  const numbers = bodies.filter((body) => body.startsWith('number'))
  expect(new Set(numbers).size).toBe(numbers.length)
})

test.each([
  ['closes what is unused after a few milliseconds', 5, 0],
  ['closes every connection after one answer', 5000, 1],
])('fails no request to a server that %s', async (_how, keepAlive, perSocket) => {
  const server = Object.assign(answering(), { keepAliveTimeout: keepAlive, maxRequestsPerSocket: perSocket })
  await using server_ = await running(server)
  await using pool = poolOf(server_)
  await makeReady(pool)
  for (let i = 0; i < 1000; i++) await receive(pool)
  const all = await several(32, async () => {
    for (let i = 0; i < 20; i++) await receive(pool)
  })
  expect(all.filter(({ status }) => status === 'rejected')).toEqual([])
})

test('fails what was under way when the server restarts, and serves on', async () => {
  const port = await freePort()
  let seen = 0
  const origin = `http://127.0.0.1:${port}`
  await using pool = poolOf({ origin })
  let sent: ReturnType<typeof several>
  {
    const server = createServer((request, response) => {
      if (request.headers['x-key'] === 'held') seen++
      else request.resume().on('end', () => response.end('ok'))
    })
    await using _first = await running(server, port)
    await makeReady(pool)
    sent = several(32, () => receive(pool, { headers: { 'x-key': 'held' } }))
    await waitFor(() => seen === 32)
  }
  expect(await sent).toEqual(Array.from({ length: 32 }, () => unreachable))
  expect(await several(4, () => receive(pool))).toEqual(Array.from({ length: 4 }, () => unreachable))
  await using _second = await running(answering(), port)
  const after = await several(32, () => receive(pool))
  expect(after.filter(({ status }) => status === 'rejected')).toEqual([])
})

test('takes another connection for what was reset while nobody used it', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf(server)
  await makeReady(pool)
  for (let i = 0; i < 50; i++) {
    await waitFor(() => server.open > 0)
    for (const socket of server.sockets) socket.resetAndDestroy()
    // Until the resets are here, they are no unused connections' any more.
    await turn()
    await turn()
    await receive(pool).catch(() => receive(pool))
  }
})

test('gives up what is never answered, and lets go of everything', async () => {
  await using server = await byteServer(() => {})
  await using pool = poolOf(server)
  pool.widen()
  pool.warm()
  const abort = new Aborter()
  const sent = several(64, () => receive(pool, { signal: abort.signal }))
  await waitFor(() => server.requests.length === 64)
  abort.abort(new Error('enough'))
  for (const one of await sent) expect(one).toMatchObject({ reason: new Error('enough') })
  await waitFor(() => server.open === 0)
})

test('reads answers that come byte by byte on many connections', async () => {
  await using server = await byteServer(({ socket }, request) => {
    const answer = ok(/\r\n\r\n(.*)/.exec(request)?.[1])
    const drip = (at: number): void => {
      socket.write(answer.slice(at, at + 1))
      if (at + 1 < answer.length) setImmediate(() => drip(at + 1))
    }
    drip(0)
  })
  await using pool = poolOf(server)
  await makeReady(pool)
  const all = await several(32, async (i) => (await receive(pool, { body: `${i}` })).body)
  expect(all).toEqual(Array.from({ length: 32 }, (_, i) => ({ status: 'fulfilled', value: `${i}` })))
})

test('reaches a server that listens on one of the addresses of its name only', async () => {
  await using server = await byteServer(({ socket }) => socket.write(ok()))
  await using pool = poolOf({ origin: server.origin.replace('127.0.0.1', 'localhost') })
  await makeReady(pool)
  const all = await several(16, () => receive(pool))
  expect(all.filter(({ status }) => status === 'rejected')).toEqual([])
})

test('leaves nothing behind: neither sockets nor timers', async () => {
  const counts = () => {
    const kinds = process.getActiveResourcesInfo()
    return ['TCPSocketWrap', 'TCPWRAP', 'Timeout'].map((kind) => kinds.filter((one) => one === kind).length)
  }
  await using server = await running(answering())
  await turn()
  const before = counts()
  for (let i = 0; i < 20; i++) {
    const pool = poolOf(server)
    await makeReady(pool)
    await several(32, () => receive(pool))
    const left = several(8, () => receive(pool))
    await pool[Symbol.asyncDispose]()
    await left
  }
  await waitFor(() => counts().every((count, i) => count <= (before[i] ?? 0)))
})
