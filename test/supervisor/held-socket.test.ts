import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import net, { createServer } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { entryFile } from '../../src/shared/paths.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { built } from './detached.ts'
import { project } from './project.ts'

beforeAll(built)

const real = { proxyFile: entryFile('proxy') }

test('P-14: a stranger cannot have the port while the proxy is away, and it is the stranger who is refused', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port, servers: ['echo'] } }, real)
  await p.up()
  const pid = await p.pid('fast')
  process.kill(pid, 'SIGKILL')
  await waitFor(() => !isAlive(pid))
  const tries = Array.from({ length: 5 }, async () => {
    const stranger = createServer()
    const [error] = await once(stranger.listen(port, '127.0.0.1'), 'error')
    return error.code
  })
  expect(new Set(await Promise.all(tries))).toEqual(new Set(['EADDRINUSE']))
  await waitFor(async () => (await p.group('fast')).restarts === 1 && (await p.group('fast')).state === 'ready')
})

test('no process listens on all addresses, nor on a port that was not asked for', async () => {
  const [port, other] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port, servers: ['echo'] }, slow: { port: other, servers: ['echo'] } }, real)
  await p.up()
  process.kill(await p.pid('fast'), 'SIGKILL')
  await p.client.ask('restart', { groups: ['slow'] })
  await waitFor(async () => (await p.status()).state === 'ready')
  const listening = markedProcesses(p.paths.folder).flatMap(({ pid }) => listenersOf(pid))
  expect(new Set(listening)).toEqual(new Set([`0100007F:${hex(port)}`, `0100007F:${hex(other)}`]))
})

test('servers of a proxy inherit neither its socket nor anything else', async () => {
  await using p = await project({ fast: { port: await freePort(), servers: ['echo'] } }, real)
  await p.up()
  const server = (await p.group('fast')).servers[0]?.pid ?? 0
  expect(listenersOf(server)).toEqual([])
  const inherited = readdirSync(`/proc/${server}/fd`).map((fd) => link(`/proc/${server}/fd/${fd}`))
  const proxies = new Set(sockets(await p.pid('fast')))
  expect(inherited.slice(3).filter((target) => proxies.has(target))).toEqual([])
})

test('where a socket cannot be held the proxies bind their ports themselves, and log and status say so once', async () => {
  using _missing = withoutServerHandle()
  const [port, to] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port, servers: ['echo'] }, auto: { port: 'auto', servers: ['echo'] } }, real)
  await p.up()
  const { supervisor } = await p.status()
  expect(supervisor.warnings).toEqual([expect.stringContaining('cannot hold sockets on this platform')])
  const log = readFileSync(`${p.paths.logs}/mcpctl.log`, 'utf8')
  expect(log.split('cannot hold sockets')).toHaveLength(2)
  expect(listenersOf(await p.pid('fast'))).toEqual([`0100007F:${hex(port)}`])
  const pid = await p.pid('fast')
  await p.client.ask('restart', { groups: ['fast'] })
  await waitFor(async () => (await p.group('fast')).state === 'ready' && (await p.pid('fast')) !== pid)
  process.kill(await p.pid('fast'), 'SIGKILL')
  await waitFor(async () => (await p.group('fast')).restarts === 1 && (await p.group('fast')).state === 'ready')
  await p.save({ fast: { port: to, servers: ['echo'] }, auto: { port: 'auto', servers: ['echo'] } })
  await p.client.ask('reload', { dryRun: false })
  expect(listenersOf(await p.pid('fast'))).toContain(`0100007F:${hex(to)}`)
})

test('where a socket cannot be held a taken port is found out all the same', async () => {
  using _missing = withoutServerHandle()
  const stranger = createServer()
  const port = await freePort()
  await once(stranger.listen(port, '127.0.0.1'), 'listening')
  await using p = await project({ fast: { port, servers: ['echo'] } }, real)
  await p.apply()
  const { lastError } = await p.until('fast', 'backoff')
  expect(lastError).toMatch(new RegExp(`^port ${port} is taken by .+ \\(pid ${process.pid}\\)$`))
  stranger.close()
  await p.until('fast', 'ready')
})

/** This process, in which the supervisor runs, without Node's private function until it is disposed. */
function withoutServerHandle(): Disposable {
  const known = Reflect.get(net, '_createServerHandle')
  Reflect.set(net, '_createServerHandle', undefined)
  return { [Symbol.dispose]: () => void Reflect.set(net, '_createServerHandle', known) }
}

/** What a process listens on, as /proc/net/tcp writes addresses. */
function listenersOf(pid: number): readonly string[] {
  const inodes = new Set(sockets(pid))
  const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
  const listening = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === '0A')
  return listening.filter((row) => inodes.has(`socket:[${row[9]}]`)).map(([, local]) => local ?? '')
}

function sockets(pid: number): readonly string[] {
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`))
  return targets.filter((target) => target.startsWith('socket:'))
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // Closed in between.
    return ''
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
