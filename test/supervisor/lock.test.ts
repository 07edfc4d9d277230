import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { ControlClient } from '../../src/control/client.ts'
import { lock } from '../../src/supervisor/lock.ts'
import { announceStart, isStarting } from '../../src/supervisor/starting.ts'
import { tempFolder } from '../helpers/temp.ts'
import { project } from './project.ts'

test('keeps the socket and its folder to the owner', async () => {
  await using p = await project({ fast: { port: 'auto' } })
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  expect([p.paths.folder, p.paths.socket, p.paths.key, p.paths.logs].map(mode)).toEqual(['700', '600', '600', '700'])
  expect(mode(join(p.paths.logs, 'mcpctl.log'))).toBe('600')
})

test('P-22: a second supervisor is refused and told of the first', async () => {
  await using p = await project({ fast: { port: 'auto' } })
  await using second = await server()
  await expect(lock(second.server, p.paths.socket)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`pid ${process.pid}`),
  })
  expect(await p.client.ask('status')).toMatchObject({ kind: 'Status' })
})

test('P-22: the socket that a dead supervisor left is taken over', async () => {
  await using folder = await tempFolder()
  const socket = await deadSocket(folder.path)
  await using next = await server()
  using _held = await lock(next.server, socket)
  await expect(new ControlClient(socket).ask('status')).rejects.toMatchObject({
    message: expect.stringContaining('418'),
  })
})

test.each([0, 1, 2])('P-19: exactly one of fifty racing starts wins over a dead socket, round %i', async () => {
  await using folder = await tempFolder()
  const socket = await deadSocket(folder.path)
  const servers = await Promise.all(Array.from({ length: 50 }, server))
  const outcomes = await Promise.allSettled(servers.map((each) => lock(each.server, socket)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason.code).toBe('conflict')
  for (const each of servers) await each[Symbol.asyncDispose]()
})

test('P-21: the claim of a process whose pid is somebody else’s by now holds nobody up, and nobody is killed', async () => {
  await using folder = await tempFolder()
  const socket = await deadSocket(folder.path)
  const { ino, mtimeNs } = statSync(socket, { bigint: true })
  // This very pid, but another life of it.
  await folder.write({ [`control.sock.${ino}-${mtimeNs}.0`]: `${process.pid} 1` })
  await using next = await server()
  using held = await lock(next.server, socket)
  expect(held.isHeld).toBe(true)
})

test('P-21: only who still is the one that said so is about to start', async () => {
  await using folder = await tempFolder()
  await folder.write({ [`starting.${process.pid}`]: `${process.pid} 1` })
  expect(isStarting(folder.path)).toBe(false)
  expect(existsSync(join(folder.path, `starting.${process.pid}`))).toBe(false)
  const announced = announceStart(folder.path)
  expect(isStarting(folder.path)).toBe(true)
  announced[Symbol.dispose]()
  expect(isStarting(folder.path)).toBe(false)
})

test('removes its own socket only', async () => {
  await using folder = await tempFolder()
  const socket = join(folder.path, 'control.sock')
  await using first = await server()
  const held = await lock(first.server, socket)
  held[Symbol.dispose]()
  expect(existsSync(socket)).toBe(false)
  await using second = await server()
  using _held = await lock(second.server, socket)
  held[Symbol.dispose]()
  expect(existsSync(socket)).toBe(true)
})

/** A socket file whose process was killed. */
async function deadSocket(folder: string): Promise<string> {
  const socket = join(folder, 'control.sock')
  const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => console.log('bound'))`
  const owner = execa(process.execPath, ['-e', script], { reject: false })
  await once(owner.stdout, 'data')
  owner.kill('SIGKILL')
  await owner
  expect(existsSync(socket)).toBe(true)
  return socket
}

async function server() {
  const made = createServer((_request, response) => response.writeHead(418).end())
  return {
    server: made,
    async [Symbol.asyncDispose]() {
      made.closeAllConnections()
      if (made.listening) await once(made.close(), 'close')
    },
  }
}
