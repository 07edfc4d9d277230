import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { ControlEvent, LogRecord } from '../../src/control/protocol.ts'
import { pause } from '../../src/shared/async.ts'
import { cli, startCli } from '../helpers/cli.ts'
import { tempFolder } from '../helpers/temp.ts'
import { group, server, status } from './samples.ts'
import { scriptedSupervisor } from './scripted-supervisor.ts'

const picture = status([
  group('fast', { servers: [server('memory')] }),
  group('lan', { state: 'degraded', port: 7613, url: 'http://127.0.0.1:7613/mcp', servers: [server('geotab')] }),
])

async function* stream<T>(...items: T[]): AsyncGenerator<T> {
  yield* items
}

test.each([
  ['json', (text: string): unknown => JSON.parse(text)],
  ['yaml', (text: string): unknown => parse(text)],
  ['ndjson', (text: string): unknown => JSON.parse(text)],
])('status -o %s is the whole status document', async (output, read) => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, { status: () => picture })
  const { exitCode, stdout, stderr } = await cli(['status', '-o', output], { cwd: folder.path })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(read(stdout)).toEqual(picture)
})

test('ps is status, and groups narrow it down', async () => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, { status: () => picture })
  const { stdout } = await cli(['ps', 'lan', '--json'], { cwd: folder.path })
  expect(JSON.parse(stdout).groups.map(({ name }: { name: string }) => name)).toEqual(['lan'])
})

test('an unknown group is exit 2 with a suggestion', async () => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, { status: () => picture })
  const { exitCode, stderr } = await cli(['url', 'fas'], { cwd: folder.path })
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: 'mcpctl: unknown group "fas"\nhint: did you mean "fast"?',
  })
})

test.each([
  ['ready', 0],
  ['degraded', 0],
  ['starting', 7],
  ['backoff', 7],
  ['quarantined', 7],
] as const)('status --exit-code of a %s project is %d', async (state, exit) => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, { status: () => ({ ...picture, state }) })
  expect((await cli(['status', '--exit-code'], { cwd: folder.path })).exitCode).toBe(exit)
})

test.each([
  ['fast', 'http://127.0.0.1:7611/mcp'],
  ['lan', 'http://127.0.0.1:7613/mcp'],
  ['fast/memory', 'http://127.0.0.1:7611/servers/memory/mcp'],
])('url %s is the bare address', async (target, url) => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, { status: () => picture })
  expect(await cli(['url', target], { cwd: folder.path })).toMatchObject({ exitCode: 0, stdout: url })
})

test('status --watch prints a document per change until the supervisor ends', async () => {
  await using folder = await tempFolder()
  const events: ControlEvent[] = [
    { type: 'status', status: picture },
    { type: 'status', status: { ...picture, state: 'degraded' } },
  ]
  await using _supervisor = await scriptedSupervisor(folder.path, { events: () => stream(...events) })
  const { exitCode, stdout } = await cli(['status', '--watch', '--json'], { cwd: folder.path })
  expect(exitCode).toBe(0)
  expect(stdout.split('\n').map((line) => JSON.parse(line).state)).toEqual(['ready', 'degraded'])
})

test('logs ask for what was named and print it with its source', async () => {
  await using folder = await tempFolder()
  const records: LogRecord[] = [
    { time: '2026-01-01T12:00:01.000Z', level: 'info', msg: 'proxy ready', group: 'fast', port: 7611 },
    { time: '2026-01-01T12:00:02.000Z', level: 'warn', msg: 'evil\u001b[2J', group: 'fast', server: 'memory' },
  ]
  await using _supervisor = await scriptedSupervisor(folder.path, {
    status: () => picture,
    logs: (query) => stream(...records.map((record) => ({ ...record, query }))),
  })
  const human = await cli(['logs', 'fast/memory', '-n', '5'], { cwd: folder.path })
  expect(human.stdout).toContain('12:00:01 fast | proxy ready port=7611')
  expect(human.stdout).toContain('12:00:02 fast/memory | evil[2J')
  const json = await cli(['logs', 'fast/memory', '-n', '5', '--json'], { cwd: folder.path })
  expect(JSON.parse(json.stdout.split('\n')[0] ?? '')).toMatchObject({
    query: { group: 'fast', server: 'memory', tail: 5, follow: false },
  })
})

test('logs -f follows, and Ctrl-C ends it with 130', async () => {
  await using folder = await tempFolder()
  const record = { time: '2026-01-01T12:00:01.000Z', level: 'info', msg: 'hello' } as const
  await using _supervisor = await scriptedSupervisor(folder.path, {
    async *logs(query, signal) {
      if (query.follow) yield record
      await pause(60_000, signal)
    },
  })
  const following = startCli(['logs', '-f'], { cwd: folder.path })
  for await (const line of following) {
    expect(line).toContain('hello')
    following.kill('SIGINT')
  }
  expect((await following).exitCode).toBe(130)
})

test('events in words and as documents', async () => {
  await using folder = await tempFolder()
  const events: ControlEvent[] = [{ type: 'status', status: picture }]
  await using _supervisor = await scriptedSupervisor(folder.path, { events: () => stream(...events) })
  expect((await cli(['events'], { cwd: folder.path })).stdout).toContain('! lan  degraded')
  expect(JSON.parse((await cli(['events', '--json'], { cwd: folder.path })).stdout)).toEqual(events[0])
})
