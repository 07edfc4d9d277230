import { beforeAll, expect, test } from 'vitest'
import type { ControlClient } from '../../src/control/client.ts'
import { residentBytes } from '../../src/supervisor/procfs.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { callers } from './callers.ts'
import { built } from './detached.ts'
import { faultyProxy } from './faulty.ts'
import { project } from './project.ts'

beforeAll(built)

test('replaces a proxy that takes more memory than its limit for too long, without losing a request', async () => {
  await using folder = await tempFolder()
  const proxyFile = await faultyProxy(
    folder,
    `let taken
     process.on('SIGUSR2', () => { taken = Buffer.alloc(300 * 1024 * 1024, 1) })`,
  )
  const port = await freePort()
  const groups = { fast: { port, servers: ['echo'], limits: '{ memory: 250MiB }' } }
  await using p = await project(groups, { proxyFile, timing: { memory: { every: 20, tooLong: 100 } } })
  await p.up()
  const pid = await p.pid('fast')
  const load = callers(port)
  const causes = actionsOf(p.client)
  process.kill(pid, 'SIGUSR2')
  const after = await waitFor(async () => {
    const group = await p.group('fast')
    return group.state === 'ready' && group.pid !== pid ? group : undefined
  })
  expect(after).toMatchObject({ restarts: 0, lastError: null })
  await waitFor(() => !isAlive(pid))
  expect(await load.stop()).toEqual([])
  expect(await causes).toMatch(/^proxy takes \d+ MiB of memory, its limit is 250 MiB$/)
})

test('leaves a proxy alone whose memory is above the limit for a moment only', async () => {
  await using folder = await tempFolder()
  const proxyFile = await faultyProxy(
    folder,
    `process.on('SIGUSR2', () => { globalThis.taken = Buffer.alloc(300 * 1024 * 1024, 1); setTimeout(() => {
       globalThis.taken = undefined; globalThis.gc?.() }, 50) })
     require('node:v8').setFlagsFromString('--expose-gc'); globalThis.gc = require('node:vm').runInNewContext('gc')`,
  )
  const groups = { fast: { port: await freePort(), servers: ['echo'], limits: '{ memory: 250MiB }' } }
  await using p = await project(groups, { proxyFile, timing: { memory: { every: 20, tooLong: 2_000 } } })
  await p.up()
  const pid = await p.pid('fast')
  process.kill(pid, 'SIGUSR2')
  await waitFor(() => resident(pid) > 250)
  await waitFor(() => resident(pid) < 250)
  expect(await p.pid('fast')).toBe(pid)
})

/** The reason for the first restart that the log tells. */
async function actionsOf(client: ControlClient): Promise<unknown> {
  for await (const record of client.logs({ tail: 100, follow: true }, AbortSignal.timeout(20_000)))
    if (record.msg === 'group restart') return record.cause
  return undefined
}

/** In MiB. */
function resident(pid: number): number {
  return (residentBytes(pid) ?? 0) / 1024 / 1024
}
