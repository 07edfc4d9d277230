import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { fixturePath } from '../helpers/fixture.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { built, type Detached, detached } from './detached.ts'

beforeAll(built)

test('P-01: a well-behaved server ends with its stdin, without a signal, and at once', async () => {
  await using d = await detached(yamlOf({ it: serverOf('echo') }))
  const PIDS = join(d.folder.path, 'signals')
  await d.folder.write({ 'mcpctl.yaml': yamlOf({ it: serverOf('escapees', { WAY: 'polite', PIDS }) }) })
  const [pid] = await start(d)
  expect(await d.client.ask('down')).toEqual({ stopped: ['one'], killed: [] })
  expect(isAlive(pid ?? 0)).toBe(false)
  expect(existsSync(PIDS)).toBe(false)
})

test('P-02 P-03 P-04: a wrapper and its child that ignore all, a process in a session of its own and a daemon are gone when their proxy is replaced, and after down', async () => {
  await using d = await detached('version: 1\n')
  const ways = ['wrapper', 'setsid', 'daemon']
  const file = (way: string) => join(d.folder.path, way)
  const pids = (way: string) =>
    (existsSync(file(way)) ? readFileSync(file(way), 'utf8').trim().split('\n') : []).map(Number)
  /** Of the strays of this generation, once each has said it. */
  const strays = (generation: number) =>
    waitFor(() => {
      const all = ways.flatMap((way) => pids(way)[generation] ?? [])
      return all.length === ways.length ? all : undefined
    })
  const servers = ways.map((way) => [way, serverOf('escapees', { WAY: way, PIDS: file(way) })])
  await d.folder.write({ 'mcpctl.yaml': yamlOf(Object.fromEntries(servers)) })
  await start(d)
  const first = await strays(0)
  expect(first.filter(isAlive)).toEqual(first)
  await d.client.ask('restart', { groups: ['one'] })
  const second = await strays(1)
  await waitFor(() => first.filter(isAlive).length === 0, 20_000)
  expect(second.filter(isAlive)).toEqual(second)
  await ready(d)
  await d.client.ask('down')
  expect(second.filter(isAlive)).toEqual([])
  expect(markedProcesses(d.paths.folder)).toEqual([])
})

test('P-05: a server that is stopped is continued, so that it can end', async () => {
  await using d = await detached(yamlOf({ it: serverOf('echo') }))
  const [pid = 0] = await start(d)
  process.kill(pid, 'SIGSTOP')
  expect(await d.client.ask('down')).toEqual({ stopped: ['one'], killed: [] })
  expect(isAlive(pid)).toBe(false)
})

test('P-07: a server that is killed is started again, and its group stays', async () => {
  await using d = await detached(yamlOf({ it: serverOf('echo') }))
  const [pid = 0] = await start(d)
  const { groups } = await d.client.ask('status')
  process.kill(pid, 'SIGKILL')
  const after = await waitFor(async () => {
    const [group] = (await d.client.ask('status')).groups
    return group?.state === 'ready' && group.servers[0]?.pid !== pid ? group : undefined
  })
  expect(after.pid).toBe(groups[0]?.pid)
  expect(after.servers[0]).toMatchObject({ restarts: 1 })
})

test('P-25: a second and a third SIGTERM end at once what takes its time', async () => {
  await using d = await detached(yamlOf({ it: serverOf('stubborn') }))
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  await ready(d)
  for (let count = 0; count < 3; count++) supervisor.process.kill('SIGTERM')
  expect((await supervisor.ended).code).toBe(0)
  expect(markedProcesses(d.paths.folder)).toEqual([])
})

test('P-25: SIGPIPE disturbs neither the supervisor nor a proxy', async () => {
  await using d = await detached(yamlOf({ it: serverOf('echo') }))
  await start(d)
  const before = await d.client.ask('status')
  for (const pid of [before.supervisor.pid, before.groups[0]?.pid ?? 0]) process.kill(pid, 'SIGPIPE')
  expect((await d.client.ask('status')).groups).toEqual(before.groups)
})

/** Resolves with the pids of the servers. */
async function start(d: Detached): Promise<readonly number[]> {
  d.start()
  await d.answered()
  await d.client.ask('apply', { ...d.wish, watch: false })
  const { groups } = await ready(d)
  return groups.flatMap(({ servers }) => servers.flatMap(({ pid }) => pid ?? []))
}

function ready({ client }: Detached) {
  return waitFor(async () => {
    const status = await client.ask('status')
    return status.groups.every(({ servers }) => servers.every(({ pid }) => pid !== null)) ? status : undefined
  })
}

function serverOf(fixture: string, env: Readonly<Record<string, string>> = {}) {
  return { command: process.execPath, args: [fixturePath(fixture)], env }
}

function yamlOf(servers: Readonly<Record<string, object>>): string {
  return `version: 1
servers: ${JSON.stringify(servers)}
profiles: { dev: { groups: { one: { port: auto, servers: ${JSON.stringify(Object.keys(servers))} } } } }
`
}
