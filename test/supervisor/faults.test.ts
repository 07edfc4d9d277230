import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { built } from './detached.ts'
import { faultyProxy } from './faulty.ts'
import { ask, type Project, project } from './project.ts'

beforeAll(built)

const quick = { pulse: 100 }
const logOf = (p: Project) => readFile(join(p.paths.logs, 'mcpctl.log'), 'utf8')
const replaced = (p: Project, pid: number) =>
  waitFor(async () => {
    const group = await p.group('fast')
    return group.state === 'ready' && group.pid !== pid ? group : undefined
  })

test('P-10: a proxy that is stopped is killed and replaced, and the log says that it was stopped', async () => {
  await using p = await project({ fast: { port: await freePort() } }, { timing: quick })
  await p.up()
  const pid = await p.pid('fast')
  process.kill(pid, 'SIGSTOP')
  expect(await replaced(p, pid)).toMatchObject({ restarts: 1 })
  expect(isAlive(pid)).toBe(false)
  expect(await logOf(p)).toContain('proxy gave no sign of life (it is stopped)')
})

test('P-11: a proxy in an endless loop is killed and replaced, and the log says that it was busy', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port } }, { timing: quick })
  await p.up()
  const pid = await p.pid('fast')
  const lost = ask(port, '/spin').catch(() => 'lost')
  expect(await replaced(p, pid)).toMatchObject({ restarts: 1 })
  expect(await lost).toBe('lost')
  expect(await logOf(p)).toContain('proxy gave no sign of life (it is busy)')
})

test('P-13: a proxy that reaches its heap limit is replaced, and what it said last is in the log', async () => {
  await using folder = await tempFolder()
  const proxyFile = await faultyProxy(
    folder,
    `const kept = []
     process.on('SIGUSR2', () => { for (;;) kept.push(new Array(10_000).fill(kept.length)) })`,
  )
  await using p = await project({ fast: { port: await freePort(), servers: ['echo'] } }, { proxyFile })
  using _small = await smallHeap(folder)
  await p.up()
  const pid = await p.pid('fast')
  process.kill(pid, 'SIGUSR2')
  expect(await replaced(p, pid)).toMatchObject({ restarts: 1 })
  expect(await logOf(p)).toMatch(/"msg":"FATAL ERROR: .*heap/)
  expect(await logOf(p)).toContain('proxy was killed by SIGABRT')
})

/** Proxies are started with the Node that runs this process; until it is disposed that is one with a heap of 64 MB. */
async function smallHeap(folder: TempFolder): Promise<Disposable> {
  const { execPath } = process
  const file = await folder.write({ node: `#!/bin/sh\nexec ${execPath} --max-old-space-size=64 "$@"\n` })
  await chmod(file, 0o755)
  process.execPath = file
  return {
    [Symbol.dispose]() {
      process.execPath = execPath
    },
  }
}

test.each([
  ['an exception', 'setImmediate(() => { throw new Error("as injected") })'],
  ['a rejection', 'void Promise.reject(new Error("as injected"))'],
])(
  'P-24: %s that nobody catches ends a proxy with 70 after a line in the log, and another one comes',
  async (_title, fault) => {
    await using folder = await tempFolder()
    const proxyFile = await faultyProxy(folder, `process.on('SIGUSR2', () => { ${fault} })`)
    await using p = await project({ fast: { port: await freePort(), servers: ['echo'] } }, { proxyFile })
    await p.up()
    const pid = await p.pid('fast')
    process.kill(pid, 'SIGUSR2')
    expect(await replaced(p, pid)).toMatchObject({ restarts: 1 })
    const records = (await logOf(p))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records).toContainEqual(
      expect.objectContaining({ msg: 'proxy crashed', error: 'as injected', group: 'fast' }),
    )
    expect(records).toContainEqual(expect.objectContaining({ reason: 'proxy crashed: as injected' }))
  },
)

test('P-27: a proxy of another version says so and is not started again before its program is another one', async () => {
  await using folder = await tempFolder()
  const same = '// Nothing is wrong with it.'
  const proxyFile = await faultyProxy(folder, same)
  const other = `const { emit } = process
    process.emit = (name, message, ...rest) =>
      emit.call(process, name, message?.type === 'start' ? { ...message, version: '0.0.1' } : message, ...rest)`
  await using p = await project(
    { fast: { port: await freePort(), servers: ['echo'] } },
    { proxyFile, timing: { repair: 50 } },
  )
  await p.up()
  const pid = await p.pid('fast')
  await faultyProxy(folder, other)
  process.kill(pid, 'SIGKILL')
  const waiting = await waitFor(async () => {
    const group = await p.group('fast')
    return group.lastError?.includes('is version') ? group : undefined
  })
  expect(waiting).toMatchObject({ state: 'backoff', pid: null, restarts: 1 })
  expect(waiting.lastError).toMatch(/^proxy is version \S+ and its supervisor 0\.0\.1: `mcpctl down` and `up`/)
  const starts = async () => (await logOf(p)).split('group start').length
  const before = await starts()
  for (let looks = 0; looks < 5; looks++) await p.apply()
  expect(await starts()).toBe(before)
  await faultyProxy(folder, same)
  expect(await replaced(p, pid)).toMatchObject({ state: 'ready', lastError: null })
})

test('P-28: a proxy that floods the channel is ended and started again, and the supervisor does not grow', async () => {
  const port = await freePort()
  await using p = await project({ fast: { port, servers: ['flood'] } })
  const before = process.memoryUsage()
  let most = 0
  const watch = setInterval(() => {
    const { heapUsed, external } = process.memoryUsage()
    most = Math.max(most, heapUsed + external)
  }, 20)
  await p.apply()
  await waitFor(async () => (await logOf(p)).includes('proxy never stops talking'))
  await waitFor(async () => (await p.group('fast')).restarts > 0)
  clearInterval(watch)
  expect(most - before.heapUsed - before.external).toBeLessThan(128 * 1024 * 1024)
  await p.save({ fast: { port } })
  await p.client.ask('reload', { dryRun: false })
  await p.client.ask('restart', { groups: [] })
  await p.until('fast', 'ready')
})
