import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Gremlin, gremlin } from './gremlin.ts'
import { serve } from './serve.ts'
import { waitFor } from './wait.ts'

async function shop() {
  const http = await serve((response, _pulse, request) => {
    request.resume()
    response.end('x'.repeat(2000))
  })
  const between = await gremlin(http.url)
  return {
    gremlin: between,
    async [Symbol.asyncDispose]() {
      await between[Symbol.asyncDispose]()
      await http[Symbol.asyncDispose]()
    },
  }
}

test('a gremlin passes on what it is not told to spoil', async () => {
  await using there = await shop()
  expect(await ask(there.gremlin)).toContain('x'.repeat(2000))
})

test('a stalled connection goes on where it stopped', async () => {
  await using there = await shop()
  there.gremlin.trouble = 'stall'
  const asked = ask(there.gremlin)
  expect(await Promise.race([asked, delay(100, 'nothing')])).toBe('nothing')
  there.gremlin.trouble = 'none'
  expect(await asked).toContain('x'.repeat(2000))
})

test('a half-open connection neither answers nor ends', async () => {
  await using there = await shop()
  const socket = await open(there.gremlin)
  there.gremlin.trouble = 'swallow'
  socket.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await Promise.race([text(socket), delay(100, 'nothing')])).toBe('nothing')
  socket.destroy()
})

test('a reset ends connections with an error, and a closed gremlin takes none', async () => {
  await using there = await shop()
  const socket = await open(there.gremlin)
  await waitFor(() => there.gremlin.accepted === 1)
  const ended = new Promise((resolve) => socket.once('close', resolve))
  there.gremlin.reset()
  expect(await ended).toBe(true)
  there.gremlin.isClosed = true
  expect(await ask(there.gremlin).catch((error) => error.code)).toBe('ECONNRESET')
})

test.each(['split', { bytesPerSecond: 10_000 }] as const)('bytes arrive as they were sent with %j', async (trouble) => {
  await using there = await shop()
  there.gremlin.trouble = trouble
  const socket = await open(there.gremlin)
  const sizes: number[] = []
  socket.on('data', (chunk) => sizes.push(chunk.length))
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(await text(socket)).toContain('x'.repeat(2000))
  expect(Math.max(...sizes)).toBeLessThan(1000)
})

async function open(there: Gremlin): Promise<Socket> {
  const socket = connect(there.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function ask(there: Gremlin): Promise<string> {
  const socket = connect(there.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  return text(socket)
}
