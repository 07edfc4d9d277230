import { expect, test } from 'vitest'
import type { ControlEvent, Status } from '../../src/control/protocol.ts'
import { pause } from '../../src/shared/async.ts'
import { cli } from '../helpers/cli.ts'
import { tempFolder } from '../helpers/temp.ts'
import { group, server, status } from './samples.ts'
import { scriptedSupervisor } from './scripted-supervisor.ts'

const starting = status([group('a', { state: 'starting' }), group('b')])
const ready = status([group('a', { servers: [server('memory', { tools: 9 })] }), group('b')])
const degraded = status([group('a', { state: 'degraded' }), group('b')])
const taken = status([group('a', { state: 'backoff', lastError: 'port 7611 is taken by nginx (pid 5)' }), group('b')])
const refused = status([group('a', { lastError: 'port 7611 is taken by nginx (pid 5)' }), group('b')])
const crashed = status([group('a', { state: 'backoff', lastError: 'exited with 1' }), group('b')])

function api(...pictures: Status[]) {
  let now = pictures[0] ?? ready
  return {
    status: () => now,
    async *events(signal: AbortSignal): AsyncGenerator<ControlEvent> {
      for (const picture of pictures) {
        now = picture
        yield { type: 'status', status: picture }
      }
      await pause(60_000, signal)
    },
  }
}

test.each([
  ['ready', [starting, ready], 0, /ready in/],
  ['degraded', [starting, degraded], 0, /ready in/],
  ['a port taken', [starting, taken], 8, /a is backoff \(port 7611 is taken by nginx \(pid 5\)\)/],
  ['a port taken by a move', [starting, refused], 8, /a is ready \(port 7611 is taken/],
  ['never up', [starting, crashed], 7, /not ready within 300 ms: a is backoff \(exited with 1\)[\s\S]*mcpctl logs a/],
] as const)('wait on %s', async (_title, pictures, exit, words) => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, api(...pictures))
  const { exitCode, stdout, stderr } = await cli(['wait', '--wait-timeout', exit === 7 ? '300ms' : '20s'], {
    cwd: folder.path,
  })
  expect(exitCode).toBe(exit)
  expect(stdout).toBe('')
  expect(stderr).toMatch(words)
})

test('wait for one group does not care about another', async () => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, api(crashed))
  expect((await cli(['wait', 'b'], { cwd: folder.path })).exitCode).toBe(0)
})

test('a supervisor that ends meanwhile is exit 4', async () => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, {
    status: () => starting,
    async *events() {
      yield { type: 'status', status: starting } as const
    },
  })
  const { exitCode, stderr } = await cli(['wait'], { cwd: folder.path })
  expect(exitCode).toBe(4)
  expect(stderr).toContain('the supervisor ended')
})

test.each([
  ['restart', { do: 'restart', generation: 2 }],
  ['start', { do: 'start', generation: 2 }],
] as const)('%s waits until the new generation is ready', async (route, { do: action, generation }) => {
  await using folder = await tempFolder()
  const applied = {
    profile: 'dev',
    generation,
    warnings: [],
    plan: {
      actions: [{ do: action, group: 'a', cause: { why: 'asked', detail: 'asked for' }, servers: [] }],
      unchanged: ['b'],
    },
  } as const
  const next = { ...ready, config: { ...ready.config, generation } }
  await using _supervisor = await scriptedSupervisor(folder.path, {
    ...api(ready, starting, next),
    [route]: () => applied,
  })
  const { exitCode, stdout, stderr } = await cli([route, 'a'], { cwd: folder.path })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(new RegExp(`a ${action}: asked for\n= b unchanged`))
  expect(stderr).toMatch(/… a {2}starting[\s\S]*✔ a [\s\S]*ready in/)
})

test.each([
  ['json', /^\{"type":"status"/],
  ['quiet', /^$/],
])('--progress %s on stderr', async (mode, shape) => {
  await using folder = await tempFolder()
  await using _supervisor = await scriptedSupervisor(folder.path, api(starting, ready))
  const { exitCode, stderr } = await cli(['wait', '-q', '--progress', mode], { cwd: folder.path })
  expect(exitCode).toBe(0)
  expect(stderr).toMatch(shape)
})
