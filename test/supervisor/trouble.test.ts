import { once } from 'node:events'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import type { ControlEvent } from '../../src/control/protocol.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { ask, type Project, project } from './project.ts'

test('applies a save by itself', async () => {
  const [fast, slow] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port: fast } })
  await p.up({ watch: true })
  const pid = await p.pid('fast')
  await p.save({ fast: { port: fast }, slow: { port: slow } })
  await p.until('slow', 'ready')
  expect((await p.group('fast')).pid).toBe(pid)
})

test.each<[string, (p: Project) => Promise<unknown>]>([
  ['is invalid', (p) => p.folder.write({ 'mcpctl.yaml': 'groups: 1\n' })],
  ['is no YAML', (p) => p.folder.write({ 'mcpctl.yaml': '{ [' })],
  ['is emptied', (p) => p.folder.write({ 'mcpctl.yaml': '' })],
  [
    'is a folder',
    async (p) => {
      await rm(join(p.folder.path, 'mcpctl.yaml'))
      await mkdir(join(p.folder.path, 'mcpctl.yaml'))
    },
  ],
  ['is deleted', (p) => rm(join(p.folder.path, 'mcpctl.yaml'))],
])(
  'R-05 R-12: goes on with the last good configuration when the file %s, until a good one is saved',
  async (_how, spoil) => {
    const groups = { fast: { port: await freePort() } }
    await using p = await project(groups)
    await p.up({ watch: true })
    const before = await p.group('fast')
    const rejected = firstEvent(p, 'rejected')
    await spoil(p)
    const { problems } = await rejected
    expect(problems.length).toBeGreaterThan(0)
    expect((await p.status()).config).toMatchObject({ generation: 1, state: 'stale', problems })
    expect(await p.group('fast')).toEqual(before)
    await rm(join(p.folder.path, 'mcpctl.yaml'), { force: true, recursive: true })
    await p.save(groups)
    await waitFor(async () => (await p.status()).config.state === 'current')
    expect((await p.status()).config).toMatchObject({ generation: 1, problems: [] })
    expect(await p.group('fast')).toEqual(before)
  },
)

test('answers a reload of an invalid file with its problems and changes nothing', async () => {
  await using p = await project({ fast: { port: await freePort() } })
  await p.up()
  const before = await p.group('fast')
  await p.folder.write({ 'mcpctl.yaml': 'groups: 1\n' })
  await expect(p.client.ask('reload', { dryRun: false })).rejects.toMatchObject({ code: 'config_invalid' })
  expect((await p.status()).config.state).toBe('stale')
  expect(await p.group('fast')).toEqual(before)
})

test('still says that the file is invalid after a wish that reads no file', async () => {
  await using p = await project({ fast: { port: await freePort() } })
  await p.up({ watch: true })
  await p.folder.write({ 'mcpctl.yaml': 'groups: 1\n' })
  await waitFor(async () => (await p.status()).config.state === 'stale')
  await p.client.ask('restart', { groups: ['fast'] })
  expect((await p.status()).config.state).toBe('stale')
})

test('applies what is saved while the files are read, before anybody watches them', async () => {
  const [fast, slow] = [await freePort(), await freePort()]
  // The secret is read after the files: it saves them.
  await using p = await project({ fast: { port: fast } })
  const later = join(p.folder.path, 'later.yaml')
  await p.save({ fast: { port: fast }, slow: { port: slow } })
  await rename(join(p.folder.path, 'mcpctl.yaml'), later)
  await p.folder.write({
    'mcpctl.yaml': `
version: 1
secrets: { s: { command: [mv, -v, ${later}, ${join(p.folder.path, 'mcpctl.yaml')}] } }
servers: { calm: { command: node, env: { S: "\${secret:s}" } } }
profiles: { dev: { groups: { fast: { port: ${fast}, servers: [calm] } } } }
`,
  })
  await p.apply({ watch: true })
  await p.until('slow', 'ready')
})

test('lets a group whose port is taken wait for it, and the others come up', async () => {
  await using other = await occupy()
  await using p = await project({ fast: { port: other.port }, slow: { port: await freePort() } })
  await p.apply()
  await p.until('slow', 'ready')
  expect(await p.group('fast')).toMatchObject({
    state: 'backoff',
    pid: null,
    port: other.port,
    lastError: expect.stringMatching(new RegExp(`^port ${other.port} is taken by .+\\(pid ${process.pid}\\)$`)),
  })
  await other[Symbol.asyncDispose]()
  await p.until('fast', 'ready')
  expect(await p.group('fast')).toMatchObject({ lastError: null, restarts: 0 })
})

test('R-10: rejects a move to a taken port and touches nothing', async () => {
  await using other = await occupy()
  const [fast, slow] = [await freePort(), await freePort()]
  await using p = await project({ fast: { port: fast }, slow: { port: slow } })
  await p.up()
  const before = (await p.status()).groups
  await p.save({ fast: { port: other.port }, slow: { port: slow, servers: ['other'] } })
  await expect(p.client.ask('reload', { dryRun: false })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`port ${other.port} is taken`),
  })
  expect((await p.status()).groups).toEqual(before)
  expect(await ask(slow)).toMatchObject({ servers: ['calm'] })
})

test('gives automatic groups ports that nobody has, and the same ones again', async () => {
  await using p = await project({ fast: { port: 'auto' }, slow: { port: 'auto' } })
  await p.up()
  const ports = (await p.status()).groups.map(({ port }) => port)
  expect(new Set(ports).size).toBe(2)
  await p.save({ new: { port: 'auto' }, slow: { port: 'auto' }, fast: { port: 'auto' } })
  await p.client.ask('reload', { dryRun: false })
  expect((await p.group('fast')).port).toBe(ports[0])
  expect((await p.group('slow')).port).toBe(ports[1])
})

test('P-15: automatic groups get their ports also when they cannot be written down', async () => {
  await using p = await project({ fast: { port: 'auto' } })
  await p.folder.write({ [`${relative(p.folder.path, p.paths.ports)}.new/in-the-way`]: '' })
  await p.up()
  const { port } = await p.group('fast')
  expect((await ask(port)).pid).toBe(await p.pid('fast'))
})

test('hands the socket of a group that left to the one that has its port now', async () => {
  const port = await freePort()
  await using p = await project({ old: { port } })
  await p.up()
  const pid = await p.pid('old')
  await p.save({ new: { port } })
  await p.client.ask('reload', { dryRun: false })
  await p.until('new', 'ready')
  await waitFor(() => !isAlive(pid))
  expect((await ask(port)).pid).toBe((await p.group('new')).pid)
})

test.each([
  ['crash', 'proxy exited with code 3'],
  ['fatal', 'proxy has nothing to serve'],
  ['liar', 'which is not its address'],
])('backs off from a proxy that does this at its start: %s', async (server, reason) => {
  await using p = await project({
    fast: { port: await freePort(), servers: [server] },
    slow: { port: await freePort() },
  })
  await p.apply()
  const other = await p.until('slow', 'ready')
  await waitFor(async () => (await p.group('fast')).restarts >= 2)
  await p.until('fast', 'backoff')
  expect((await p.group('fast')).lastError).toContain(reason)
  expect(await p.group('slow')).toEqual(other)
})

test('starts a crashing group at once when its configuration is repaired', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port, servers: ['crash'] } })
  await p.apply()
  await waitFor(async () => (await p.group('fast')).restarts >= 3)
  await p.save({ fast: { port } })
  await p.client.ask('reload', { dryRun: false })
  expect(await p.until('fast', 'ready')).toMatchObject({ lastError: null })
})

test('keeps the old proxy when a restart fails, and says why', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } })
  await p.up()
  const pid = await p.pid('fast')
  await p.save({ fast: { port, servers: ['crash'] } })
  await p.client.ask('reload', { dryRun: false })
  await p.client.ask('restart', { groups: ['fast'] })
  expect(await p.group('fast')).toMatchObject({ pid, lastError: 'proxy exited with code 3' })
  expect(await ask(port)).toMatchObject({ pid })
})

test('P-16: it can be asked again after somebody deleted the state folder, and goes on with its log', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } })
  await p.up()
  const { pid } = await p.group('fast')
  await rm(p.paths.folder, { recursive: true })
  expect((await waitFor(() => p.group('fast'))).pid).toBe(pid)
  expect(await readFile(join(p.paths.logs, 'mcpctl.log'), 'utf8')).toContain('made anew')
  expect(await p.client.ask('down')).toEqual({ stopped: ['fast'], killed: [] })
})

test('tells followers of the log which group a line came from, and keeps secrets out of it', async () => {
  await using p = await project({ fast: { port: await freePort() } })
  await p.up()
  const over = new AbortController()
  for await (const record of p.client.logs({ group: 'fast', tail: 100, follow: true }, over.signal)) {
    expect(record.group).toBe('fast')
    if (record.msg === 'stand-in started') over.abort()
  }
})

async function firstEvent<T extends ControlEvent['type']>(p: Project, type: T) {
  const over = AbortSignal.timeout(10_000)
  for await (const event of p.client.events(over)) if (isOf(event, type)) return event
  throw new Error(`no ${type} event came`)
}

function isOf<T extends ControlEvent['type']>(
  event: ControlEvent,
  type: T,
): event is Extract<ControlEvent, { type: T }> {
  return event.type === type
}

async function occupy() {
  const server = createServer()
  const port = await freePort()
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const close = async () => void (server.listening && (await once(server.close(), 'close')))
  return { port, [Symbol.asyncDispose]: close }
}
