import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { Sockets } from '../../src/supervisor/sockets.ts'
import { freePort } from '../helpers/ports.ts'

test('never listens elsewhere when the port is occupied, but says who has it', async () => {
  await using other = await occupy()
  using sockets = new Sockets()
  const before = listenersOfThisProcess()
  const held = sockets.hold({ host: '127.0.0.1', port: other.port })
  if (!('taken' in held)) throw new Error('held an occupied port')
  expect(held.taken()).toMatch(new RegExp(`^port ${other.port} is taken by .+ \\(pid ${process.pid}\\)$`))
  expect(listenersOfThisProcess()).toEqual(before)
})

test('has the port again once its owner has left', async () => {
  using sockets = new Sockets()
  const port = await occupyBriefly()
  expect(sockets.hold({ host: '127.0.0.1', port })).toMatchObject({ listen: { host: '127.0.0.1', port } })
})

test('holds one socket per address, however often it is asked for', async () => {
  using sockets = new Sockets()
  const listen = { host: '127.0.0.1', port: await freePort() }
  expect(sockets.hold(listen)).toBe(sockets.hold({ ...listen, host: 'localhost' }))
})

test('lets go of the addresses that nobody needs any more', async () => {
  using sockets = new Sockets()
  const [kept, gone] = [
    { host: '127.0.0.1', port: await freePort() },
    { host: '::1', port: await freePort() },
  ]
  const first = sockets.hold(kept)
  sockets.hold(gone)
  sockets.keepOnly([kept])
  expect(sockets.hold(kept)).toBe(first)
  await using again = await occupy(gone.port, '::1')
  expect(again.port).toBe(gone.port)
})

test.each([
  ['an address of another machine', '192.0.2.1', 'EADDRNOTAVAIL'],
  ['a name that is no address', 'nowhere.example', 'EINVAL'],
])('says why it cannot listen on %s', (_title, host, code) => {
  using sockets = new Sockets()
  const held = sockets.hold({ host, port: 7611 })
  expect('taken' in held && held.taken()).toBe(`cannot listen on ${host}:7611: ${code}`)
})

async function occupy(wanted = 0, host = '127.0.0.1') {
  const server = createServer()
  const port = wanted || (await freePort())
  await once(server.listen(port, host), 'listening')
  return { port, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}

async function occupyBriefly(): Promise<number> {
  await using other = await occupy()
  return other.port
}

/** Every TCP address in state LISTEN on this machine's stack, by local address. */
function listenersOfThisProcess(): readonly string[] {
  const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
  const wild = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && /^0+:/.test(local ?? ''))
  return wild.map(([, local]) => local ?? '').sort()
}
