import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { fixturePath } from '../helpers/fixture.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { callers } from './callers.ts'
import { built, type Detached, detached } from './detached.ts'

beforeAll(built)

test('P-19: exactly one of twenty racing supervisors wins; the others exit 8 and name it', async () => {
  await using d = await detached(yamlOf({ one: 'auto' }))
  const racers = Array.from({ length: 20 }, () => d.start())
  await d.answered()
  const winner = (await d.client.ask('status')).supervisor.pid
  const losers = await Promise.all(racers.filter((racer) => racer.process.pid !== winner).map(({ ended }) => ended))
  expect(losers).toHaveLength(19)
  for (const { code, stderr } of losers) {
    expect(code).toBe(8)
    expect(JSON.parse(stderr).error.message).toContain(`pid ${winner}`)
  }
})

test('ends everything it started on SIGTERM and exits 0', async () => {
  await using d = await detached(yamlOf({ one: 'auto', two: 'auto' }, 'stubborn'))
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  await ready(d)
  const began = performance.now()
  supervisor.process.kill('SIGTERM')
  expect(await supervisor.ended).toEqual({ code: 0, stderr: '' })
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(markedProcesses(d.paths.folder)).toEqual([])
})

test.each(['exception', 'rejection'])(
  'P-24: a supervisor ends in order and with 70 after an uncaught %s',
  async (fault) => {
    await using d = await detached(yamlOf({ one: 'auto' }))
    const preload = fileURLToPath(new URL('../fixtures/preload/throwing.cjs', import.meta.url))
    const supervisor = d.start({ NODE_OPTIONS: `--require ${preload}`, NODE_FAULT: fault })
    await d.answered()
    await d.client.ask('apply', d.wish)
    await ready(d)
    supervisor.process.kill('SIGUSR2')
    expect(await supervisor.ended).toEqual({ code: 70, stderr: '' })
    expect(markedProcesses(d.paths.folder)).toEqual([])
    const log = await readFile(join(d.paths.logs, 'mcpctl.log'), 'utf8')
    expect(log).toMatch(/"error":"as injected".*"msg":"supervisor failed"/)
  },
)

test('ends by itself when its first apply fails', async () => {
  await using d = await detached('groups: 1\n')
  const supervisor = d.start()
  await d.answered()
  await expect(d.client.ask('apply', d.wish)).rejects.toMatchObject({ code: 'config_invalid' })
  expect(await supervisor.ended).toEqual({ code: 0, stderr: '' })
})

test('P-25: a thousand SIGHUPs apply the files anew in a few reloads', async () => {
  await using d = await detached(yamlOf({ one: 'auto' }))
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', { ...d.wish, watch: false })
  const { groups } = await ready(d)
  await d.folder.write({ 'mcpctl.yaml': yamlOf({ one: 'auto', two: 'auto' }) })
  for (let count = 0; count < 1_000; count++) supervisor.process.kill('SIGHUP')
  await waitFor(async () => (await d.client.ask('status')).groups.length === 2)
  const after = await ready(d)
  expect(after.groups[0]?.pid).toBe(groups[0]?.pid)
  expect(after.config.generation).toBe(2)
})

test('P-08: the servers of a proxy that was killed are gone, stubborn ones too', async () => {
  await using d = await detached(yamlOf({ one: 'auto' }, 'stubborn'))
  d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  const { groups } = await ready(d)
  const [proxy, server] = [pidOf(groups[0]), pidOf(groups[0]?.servers[0])]
  expect(isAlive(server)).toBe(true)
  process.kill(proxy, 'SIGKILL')
  await waitFor(() => !isAlive(server), 5_000)
  expect((await ready(d)).groups[0]).toMatchObject({ restarts: 1 })
})

test('moves, reloads and restarts a living proxy without losing a request', async () => {
  const [from, to] = [await freePort(), await freePort()]
  await using d = await detached(yamlOf({ one: from }))
  d.start()
  await d.answered()
  await d.client.ask('apply', { ...d.wish, watch: false })
  const before = pidOf((await ready(d)).groups[0])
  const old = callers(from)
  await d.folder.write({ 'mcpctl.yaml': yamlOf({ one: to }) })
  await d.client.ask('reload', { dryRun: false })
  const young = callers(to)
  expect(pidOf((await ready(d)).groups[0])).toBe(before)
  await d.folder.write({ 'mcpctl.yaml': yamlOf({ one: to }, 'all-features') })
  await d.client.ask('reload', { dryRun: false })
  expect(pidOf((await ready(d)).groups[0])).toBe(before)
  expect(await old.stop()).toEqual([])
  await d.client.ask('restart', { groups: [] })
  expect(pidOf((await ready(d)).groups[0])).not.toBe(before)
  await waitFor(() => !isAlive(before))
  expect(await young.stop()).toEqual([])
})

function ready({ client }: Detached) {
  return waitFor(async () => {
    const status = await client.ask('status')
    return status.state === 'ready' ? status : undefined
  })
}

function pidOf(one: { readonly pid: number | null } | undefined): number {
  if (!one?.pid) throw new Error('it has no process')
  return one.pid
}

function yamlOf(groups: Readonly<Record<string, number | 'auto'>>, fixture = 'echo'): string {
  const lines = Object.entries(groups).map(([name, port]) => `  ${name}: { port: ${port}, servers: [it] }`)
  const server = `{ command: ${process.execPath}, args: [${fixturePath(fixture)}] }`
  return [
    'version: 1',
    `servers: { it: ${server} }`,
    'profiles:',
    '  dev:',
    '    groups:',
    ...lines.map((l) => `    ${l}`),
    '',
  ].join('\n')
}
