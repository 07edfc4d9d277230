import { readFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { expect, test } from 'vitest'
import { fixturePath } from '../../helpers/fixture.ts'
import { isAlive, markedProcesses } from '../../helpers/processes.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { observe, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'

test('connects, lists the tools with all their fields and calls one', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo', { INSTRUCTIONS: 'be kind' })))
  const { upstream } = fixture
  expect(upstream.listing).toMatchObject({
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'fixture', version: '1.0.0', zz: 'kept' },
    instructions: 'be kind',
  })
  expect(upstream.listing?.tools.find(({ name }) => name === 'echo')).toMatchObject({ zz: 1 })
  expect(textOf(await upstream.call(toolCall('echo', { text: 'hällo' })))).toBe('hällo')
  expect(fixture.states).toEqual(['connecting', 'ready'])
})

test('hands on results and errors as the server said them', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  expect(await fixture.upstream.call(toolCall('unusual'))).toMatchObject({
    result: { content: [{ type: 'text', text: 'x', zz: 1 }], _meta: { a: 1 }, extra: [null] },
  })
  expect(await fixture.upstream.call(toolCall('fail'))).toMatchObject({
    error: { code: -32050, message: 'as asked', data: { why: 'test' } },
  })
})

test('S-19 starts the server with the allow-listed environment and the marker', async () => {
  await using folder = await tempFolder()
  const server = serverOf(stdio('echo', { GREETING: 'hi' }))
  await using fixture = await observeReady(server, { owner: folder.path })
  const env = JSON.parse(textOf(await fixture.upstream.call(toolCall('env'))))
  expect(env).toMatchObject({ GREETING: 'hi', MCPCTL_OWNER: folder.path })
  expect(Object.keys(env).filter((name) => name.startsWith('VITEST'))).toEqual([])
  expect(markedProcesses(folder.path).map(({ pid }) => pid)).toEqual([fixture.upstream.pid])
})

test('finds a relative command in the folder of the server', async () => {
  const cwd = dirname(fixturePath('echo'))
  const transport = { ...stdio('echo'), command: relative(cwd, process.execPath), args: ['echo.mjs'], cwd }
  await using fixture = await observeReady(serverOf(transport))
  expect(fixture.upstream.state).toBe('ready')
})

test.each([
  ['a missing program', { command: 'no-such-program' }, 'cannot start "no-such-program": ENOENT'],
  ['a file that may not be run', { command: fixturePath('echo') }, `cannot start "${fixturePath('echo')}": EACCES`],
  ['a missing folder', { cwd: '/no/such/folder' }, 'no folder /no/such/folder'],
])('reports %s at once as failed, with a hint', async (_title, change, message) => {
  await using fixture = observe(serverOf({ ...stdio('echo'), ...change }))
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'failed'])
  expect(fixture.upstream.lastError).toContain(message)
  expect(fixture.upstream.lastError).toMatch(/\(.+\)$/)
  await expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({
    code: -31001,
    facts: { upstream: 'fixture', kind: 'upstream_unavailable', retryable: true },
  })
})

test('stops a stubborn server and its grandchild', async () => {
  const fixture = await observeReady(serverOf(stdio('stubborn')))
  const family: number[] = JSON.parse(textOf(await fixture.upstream.call(toolCall('family'))))
  expect(family.map(isAlive)).toEqual([true, true])
  await fixture.upstream.close()
  expect(family.map(isAlive)).toEqual([false, false])
})

test('ends calls in flight with draining when it is closed', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const call = fixture.upstream.call(toolCall('never'))
  const refused = expect(call).rejects.toMatchObject({ code: -31006, facts: { kind: 'draining' } })
  await fixture.upstream.close()
  await refused
  await expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({ code: -31006 })
})

test('U-01: gives up on a server that never answers initialize, and leaves no process', async () => {
  await using folder = await tempFolder()
  const server = serverOf(stdio('silent'), { timeouts: { connect: 300 } })
  const fixture = observe(server, { owner: folder.path })
  await fixture.upstream.settled()
  expect(fixture.upstream.state).toBe('backoff')
  expect(fixture.upstream.lastError).toBe('not ready within 300 ms')
  await fixture.upstream.close()
  expect(markedProcesses(folder.path)).toEqual([])
})

test('U-06: skips what is not a message on stdout, and logs little of it', async () => {
  await using fixture = await observeReady(serverOf(stdio('noisy')))
  for (let i = 0; i < 20; i++) expect(textOf(await fixture.upstream.call(toolCall('echo', { text: i })))).toBe(`${i}`)
  expect(fixture.logs.filter(({ msg }) => String(msg).startsWith('skipped')).length).toBeLessThanOrEqual(20)
})

test('U-07: stops a server that floods stdout with garbage', async () => {
  const server = serverOf(stdio('noisy', { GARBAGE: '1' }), { restart: { policy: 'never' } })
  await using fixture = observe(server)
  await waitFor(() => fixture.upstream.state === 'failed')
  expect(fixture.upstream.lastError).toBe('stdout carries something else than MCP messages')
})

test('U-08: fails pending calls at once when the server exits within a line', async () => {
  await using fixture = await observeReady(serverOf(stdio('crash')))
  await expect(fixture.upstream.call(toolCall('half'))).rejects.toMatchObject({
    code: -31001,
    message: 'Server "fixture" is not available: the process ended with exit code 4',
  })
})

test('U-11: passes 15.9 MiB in one line', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const bytes = Math.floor(15.9 * 1024 * 1024)
  expect(textOf(await fixture.upstream.call(toolCall('big', { bytes })))).toHaveLength(bytes)
})

test('U-11: fails only the call whose answer is larger than 16 MiB', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const other = upstream.call(toolCall('slow', { ms: 800 }))
  await expect(upstream.call(toolCall('big', { bytes: 20 * 1024 * 1024 }))).rejects.toMatchObject({
    message: 'Server "fixture" is not available: the answer is larger than 16 MiB',
  })
  expect(textOf(await other)).toBe('done')
  expect(upstream.restarts).toBe(0)
})

test('U-13: comes back at once after a crash in a call, without new lists', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  const first = upstream.pid
  await expect(upstream.call(toolCall('crash'))).rejects.toMatchObject({ code: -31001, facts: { retryable: true } })
  expect(textOf(await upstream.call(toolCall('echo', { text: 'again' })))).toBe('again')
  expect(upstream.pid).not.toBe(first)
  expect([upstream.restarts, fixture.listed]).toEqual([1, 1])
  expect(fixture.states).toEqual(['connecting', 'ready', 'connecting', 'ready'])
})

test('U-14: does not storm a server that crashes again and again', async () => {
  await using folder = await tempFolder()
  const COUNT = `${folder.path}/starts`
  const restart = { backoff: 200, maxBackoff: 10_000 }
  await using fixture = observe(serverOf(stdio('crash', { CRASH: 'start', COUNT }), { restart }))
  await waitFor(() => fixture.states.filter((state) => state === 'connecting').length >= 3)
  expect(fixture.states.slice(0, 5)).toEqual(['connecting', 'backoff', 'connecting', 'backoff', 'connecting'])
  expect((await readFile(COUNT, 'utf8')).trim().split('\n').length).toBeLessThanOrEqual(4)
})

test('U-15: counts an exit right after the handshake as a failure', async () => {
  await using fixture = observe(serverOf(stdio('crash', { CRASH: 'ready' })))
  await waitFor(() => fixture.upstream.lastError)
  expect(fixture.upstream.lastError).toBe('the process ended with exit code 0')
})

test('U-43: sweeps a daemon that the server left behind', async () => {
  await using folder = await tempFolder()
  const server = serverOf(stdio('crash'), { restart: { policy: 'never' } })
  await using fixture = await observeReady(server, { owner: folder.path })
  await expect(fixture.upstream.call(toolCall('daemon'))).rejects.toMatchObject({
    message: 'Server "fixture" is not available: the process ended with exit code 0',
  })
  await waitFor(() => markedProcesses(folder.path).length === 0)
})

test('lets calls wait for a server that is starting', async () => {
  await using fixture = observe(serverOf(stdio('echo', { START_DELAY: '300' })))
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'waited' })))).toBe('waited')
})

test('gives a server more time with each start, since the first may have to install it', async () => {
  await using fixture = observe(serverOf(stdio('echo', { START_DELAY: '700' }), { timeouts: { connect: 300 } }))
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toBe('not ready within 300 ms')
  await waitFor(() => fixture.upstream.state === 'ready')
})

test('keeps what the server said last for the log, not for its clients', async () => {
  const server = serverOf({ ...stdio('echo'), args: ['-e', 'throw new Error("as asked")'] })
  await using fixture = observe(server)
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toBe('the process ended with exit code 1 (the log has its last words)')
  expect(fixture.logs).toContainEqual(expect.objectContaining({ stderr: expect.stringContaining('as asked') }))
})

test('does not restart a server whose policy is never', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo'), { restart: { policy: 'never' } }))
  await expect(fixture.upstream.call(toolCall('crash'))).rejects.toMatchObject({ code: -31001 })
  expect(fixture.upstream.state).toBe('failed')
})

test('U-40: answers although the server writes megabytes to stderr first', async () => {
  await using fixture = await observeReady(serverOf(stdio('noisy', { STDERR_MB: '20' })))
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
  expect(fixture.logs.filter(({ msg }) => msg === 'server stderr').length).toBeLessThan(2000)
})

test('U-41: restarts a server that closed its stdout but lives on', async () => {
  await using fixture = await observeReady(serverOf(stdio('crash')))
  const first = fixture.upstream.pid ?? 0
  await expect(fixture.upstream.call(toolCall('mute'))).rejects.toMatchObject({
    message: 'Server "fixture" is not available: the process closed its stdout',
  })
  await waitFor(() => fixture.upstream.state === 'ready' && !isAlive(first))
})

test('U-44: settles every call when a server that stopped reading dies', async () => {
  await using fixture = await observeReady(serverOf(stdio('crash')))
  const { upstream } = fixture
  const text = 'x'.repeat(1024 * 1024)
  const calls = ['deaf', 'echo', 'echo', 'echo'].map((name) => upstream.call(toolCall(name, { text })))
  const settled = Promise.allSettled(calls)
  await waitFor(() => upstream.pid)
  process.kill(upstream.pid ?? 0, 'SIGKILL')
  expect((await settled).map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
})
