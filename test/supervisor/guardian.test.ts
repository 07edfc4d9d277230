import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { fixturePath } from '../helpers/fixture.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { built, type Detached, detached } from './detached.ts'

beforeAll(built)

const guardians = (d: Detached) =>
  markedProcesses(d.paths.folder).filter(({ command }) => command.endsWith('mcpctl-guardian'))
const guarded = (d: Detached) => waitFor(() => guardians(d)[0])

test('P-09: nobody survives a killed supervisor for two seconds, busy or stubborn, and the next start binds at once', async () => {
  const [port, busy] = [await freePort(), await freePort()]
  await using d = await detached(yamlOf({ one: { port, fixture: 'stubborn' }, two: { port: busy, fixture: 'echo' } }))
  const first = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  const before = await ready(d)
  await guarded(d)
  // A process that is stopped notices as little as one in an endless loop.
  process.kill(before.groups[1]?.pid ?? 0, 'SIGSTOP')
  const left = markedProcesses(d.paths.folder)
  expect(left.length).toBeGreaterThanOrEqual(6)
  first.process.kill('SIGKILL')
  await first.ended
  await waitFor(() => left.every(({ pid }) => !isAlive(pid)), 2_000)
  d.start()
  await d.answered()
  const began = performance.now()
  await d.client.ask('apply', d.wish)
  expect((await ready(d)).groups).toMatchObject([
    { port, state: 'ready' },
    { port: busy, state: 'ready' },
  ])
  expect(performance.now() - began).toBeLessThan(5_000)
})

test('P-09: a next start that comes before the guardian has acted ends it and what it looks after', async () => {
  const port = await freePort()
  await using d = await detached(yamlOf({ one: { port, fixture: 'stubborn' } }))
  const first = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  await ready(d)
  await guarded(d)
  const left = markedProcesses(d.paths.folder)
  first.process.kill('SIGKILL')
  await first.ended
  d.start()
  await waitFor(async () => (await d.client.ask('status')).supervisor.pid !== first.process.pid)
  await d.client.ask('apply', d.wish)
  const { groups } = await ready(d)
  expect(left.filter(({ pid }) => isAlive(pid))).toEqual([])
  const again = await guarded(d)
  expect(left.map(({ pid }) => pid)).not.toContain(again.pid)
  expect((await d.client.ask('status')).groups[0]?.pid).toBe(groups[0]?.pid)
})

test('is one small process, comes again when it is killed, and leaves with the supervisor', async () => {
  await using d = await detached(
    yamlOf({ one: { port: 'auto', fixture: 'echo' }, two: { port: 'auto', fixture: 'echo' } }),
  )
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  await ready(d)
  const { pid } = await guarded(d)
  const resident = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  expect(Number(resident)).toBeLessThan(6_000)
  process.kill(pid, 'SIGKILL')
  const next = await waitFor(() => guardians(d).find((each) => each.pid !== pid))
  expect(guardians(d)).toHaveLength(1)
  supervisor.process.kill('SIGTERM')
  expect(await supervisor.ended).toEqual({ code: 0, stderr: '' })
  expect(isAlive(next.pid)).toBe(false)
  expect(markedProcesses(d.paths.folder)).toEqual([])
})

function ready({ client }: Detached) {
  return waitFor(async () => {
    const status = await client.ask('status')
    return status.state === 'ready' ? status : undefined
  })
}

interface Sketch {
  readonly port: number | 'auto'
  readonly fixture: string
}

function yamlOf(groups: Readonly<Record<string, Sketch>>): string {
  const fixtures = new Set(Object.values(groups).map(({ fixture }) => fixture))
  return [
    'version: 1',
    'servers:',
    ...[...fixtures].map((name) => `  ${name}: { command: ${process.execPath}, args: [${fixturePath(name)}] }`),
    'profiles:',
    '  dev:',
    '    groups:',
    ...Object.entries(groups).map(
      ([name, { port, fixture }]) => `      ${name}: { port: ${port}, servers: [${fixture}] }`,
    ),
    '',
  ].join('\n')
}
