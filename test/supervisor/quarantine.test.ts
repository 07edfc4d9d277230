import { type IncomingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { callers } from './callers.ts'
import { built } from './detached.ts'
import { ask, type Project, project } from './project.ts'

beforeAll(built)

const apologists = (p: Project) => markedProcesses(p.paths.folder).filter(({ command }) => command.includes('sorry.js'))

test('answers for a group without a proxy, and makes room for the next proxy without a refused or lost request', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port, servers: ['hopeless'] } })
  await p.apply()
  await waitFor(async () => apologists(p).length === 1)
  const response = await waitFor(() => post(port))
  expect(response).toMatchObject({ status: 503, headers: { connection: 'close' } })
  expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
  expect(JSON.parse(response.body)).toMatchObject({
    jsonrpc: '2.0',
    id: null,
    error: { code: -31001, data: { mcpctl: { kind: 'upstream_unavailable', retryable: true } } },
  })
  const load = callers(port, { connection: 'close' })
  await p.save({ fast: { port } })
  await p.client.ask('reload', { dryRun: false })
  await p.until('fast', 'ready')
  await waitFor(() => apologists(p).length === 0)
  expect(await load.stop()).toEqual([])
  expect((await ask(port)).pid).toBe(await p.pid('fast'))
})

test('probes a group whose proxy ended eight times, with somebody who answers meanwhile', async () => {
  const port = await freePort()
  const restart = { first: 1, step: 1, longest: 1, probe: 1_000 }
  await using p = await project({ fast: { port, servers: ['crash'] } }, { timing: { restart } })
  await p.apply()
  const { restarts, lastError } = await p.until('fast', 'quarantined')
  expect([restarts, lastError]).toEqual([7, 'proxy exited with code 3'])
  const answer = await waitFor(() => post(port))
  expect(answer).toMatchObject({ status: 503 })
  expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(2)
  await waitFor(async () => (await p.group('fast')).restarts === 8)
  expect(await waitFor(() => post(port))).toMatchObject({ status: 503 })
  await p.save({ fast: { port } })
  await p.client.ask('reload', { dryRun: false })
  expect(await p.until('fast', 'ready')).toMatchObject({ lastError: null })
})

test('starts a proxy that found its port busy again and again, and never puts its group in quarantine', async () => {
  const restart = { first: 1, step: 1, longest: 1, probe: 60_000 }
  const groups = { fast: { port: await freePort(), servers: ['busy-port'] } }
  await using p = await project(groups, { timing: { restart } })
  await p.apply()
  await waitFor(async () => (await p.group('fast')).restarts > 8)
  expect(await p.until('fast', 'backoff')).toMatchObject({ lastError: 'proxy exited with code 75' })
})

test('does not start a proxy again that cannot work as it is, until it is asked to', async () => {
  await using p = await project({ fast: { port: await freePort(), servers: ['hopeless'] } }, { timing: { repair: 20 } })
  await p.apply()
  const before = await p.until('fast', 'backoff')
  expect(before).toMatchObject({ restarts: 0, lastError: 'proxy cannot work like this' })
  await waitFor(async () => apologists(p).length === 1)
  expect(await p.group('fast')).toEqual(before)
  await p.client.ask('restart', { groups: ['fast'] })
  await waitFor(async () => (await p.group('fast')).restarts === 1)
})

test('leaves nobody who answers when the group is stopped, and none on down', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port, servers: ['hopeless'] } })
  await p.apply()
  await waitFor(async () => apologists(p).length === 1)
  await p.client.ask('stop', { groups: ['fast'] })
  await waitFor(() => apologists(p).length === 0)
  await expect(post(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await p.client.ask('start', { groups: ['fast'] })
  await waitFor(async () => apologists(p).length === 1)
  expect(await p.client.ask('down')).toMatchObject({ killed: [] })
  expect(markedProcesses(p.paths.folder)).toEqual([])
})

function post(port: number): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', agent: false }, async (response) =>
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) }),
    )
    asked.once('error', reject)
    asked.end('{}')
  })
}
