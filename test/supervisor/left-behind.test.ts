import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { fixturePath } from '../helpers/fixture.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { built, type Detached, detached } from './detached.ts'

beforeAll(built)

test('P-01: a well-behaved server ends with its stdin, without a signal, and at once', async () => {
  await using d = await detached(yamlOf('echo', {}))
  const PIDS = join(d.folder.path, 'signals')
  await d.folder.write({ 'mcpctl.yaml': yamlOf('escapees', { WAY: 'polite', PIDS }) })
  const [pid] = await start(d)
  expect(await d.client.ask('down')).toEqual({ stopped: ['one'], killed: [] })
  expect(isAlive(pid ?? 0)).toBe(false)
  expect(existsSync(PIDS)).toBe(false)
})

test.each([
  ['P-02', 'a wrapper whose child ignores the end of stdin and SIGTERM', 'wrapper'],
  ['P-03', 'a process in a session of its own', 'setsid'],
  ['P-04', 'a daemon, forked twice under nohup', 'daemon'],
])('%s: %s is gone when its proxy is replaced, and after down', async (_id, _what, way) => {
  await using d = await detached('version: 1\n')
  const PIDS = join(d.folder.path, 'pids')
  const pids = () => (existsSync(PIDS) ? readFileSync(PIDS, 'utf8').trim().split('\n').map(Number) : [])
  const yaml = yamlOf('escapees', { WAY: way, PIDS })
  await d.folder.write({ 'mcpctl.yaml': yaml })
  await start(d)
  const [first = 0] = await waitFor(() => (pids().length === 1 ? pids() : undefined))
  expect(isAlive(first)).toBe(true)
  await d.client.ask('restart', { groups: ['one'] })
  await waitFor(() => !isAlive(first), 20_000)
  const [, second = 0] = await waitFor(() => (pids().length === 2 ? pids() : undefined))
  await ready(d)
  await d.client.ask('down')
  expect(isAlive(second)).toBe(false)
  expect(markedProcesses(d.paths.folder)).toEqual([])
})

test('P-05: a server that is stopped is continued, so that it can end', async () => {
  await using d = await detached(yamlOf('echo', {}))
  const [pid = 0] = await start(d)
  process.kill(pid, 'SIGSTOP')
  expect(await d.client.ask('down')).toEqual({ stopped: ['one'], killed: [] })
  expect(isAlive(pid)).toBe(false)
})

test('P-07: a server that is killed is started again, and its group stays', async () => {
  await using d = await detached(yamlOf('echo', {}))
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
  await using d = await detached(yamlOf('stubborn', {}))
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  await ready(d)
  for (let count = 0; count < 3; count++) supervisor.process.kill('SIGTERM')
  expect((await supervisor.ended).code).toBe(0)
  expect(markedProcesses(d.paths.folder)).toEqual([])
})

test('P-25: SIGPIPE disturbs neither the supervisor nor a proxy', async () => {
  await using d = await detached(yamlOf('echo', {}))
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

function yamlOf(fixture: string, env: Readonly<Record<string, string>>): string {
  const server = { command: process.execPath, args: [fixturePath(fixture)], env }
  return `version: 1
servers: { it: ${JSON.stringify(server)} }
profiles: { dev: { groups: { one: { port: auto, servers: [it] } } } }
`
}
