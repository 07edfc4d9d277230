import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, expect, test } from 'vitest'
import { defer } from '../../src/shared/async.ts'
import { withinAwake } from '../../src/supervisor/awake.ts'
import { pulseLost } from '../../src/supervisor/pulse.ts'
import { fixturePath } from '../helpers/fixture.ts'
import { rawSession } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { built, detached } from './detached.ts'
import { faultyProxy } from './faulty.ts'
import { project } from './project.ts'

beforeAll(built)

test('P-12: whoever asks for a pulse and is stopped for a long time, again and again, gives nobody up for it', async () => {
  const port = await freePort()
  const script = `require('node:http').createServer((_, r) => r.end()).listen(${port}, '127.0.0.1', () => console.log(1))`
  const lively = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(lively.stdout, 'data')
  const over = new AbortController()
  const outcome = pulseLost({ listen: () => ({ host: '127.0.0.1', port }), everyMs: 20, signal: over.signal })
  // For our own event loop a blocked thread is what a SIGSTOP is: fifteen questions long, five times.
  for (let stops = 0; stops < 5; stops++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
    await waitForTurns(10)
  }
  over.abort()
  expect(await outcome).toBe('ended')
  lively.kill()
  await once(lively, 'exit')
})

test('P-12: an answer that came while its asker was stopped counts, late as it is read', async () => {
  const answer = defer<string>()
  const waiting = withinAwake(50, answer.promise, 'given up')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_200)
  setTimeout(() => answer.resolve('heard'), 10)
  expect(await waiting).toBe('heard')
  expect(await withinAwake(20, new Promise(() => {}), 'given up')).toBe('given up')
})

test('P-12: a supervisor that was stopped finds every process where it left it', async () => {
  const server = `{ command: ${process.execPath}, args: [${fixturePath('echo')}] }`
  await using d = await detached(`version: 1
servers: { it: ${server} }
profiles: { dev: { groups: { one: { port: auto, servers: [it] }, two: { port: auto, servers: [it] } } } }
`)
  const supervisor = d.start()
  await d.answered()
  await d.client.ask('apply', d.wish)
  const ready = () => waitFor(async () => ((await d.client.ask('status')).state === 'ready' ? true : undefined))
  await ready()
  const before = await d.client.ask('status')
  supervisor.process.kill('SIGSTOP')
  const session = await rawSession(before.groups[0]?.url ?? '')
  expect((await session.ask('ping'))[0]?.result).toEqual({})
  // A stop that no timer of the supervisor has slept through: what it has slept through is proven above.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
  supervisor.process.kill('SIGCONT')
  expect((await d.client.ask('status')).groups).toEqual(before.groups)
})

test('P-23: neither a day forward nor a day back restarts anything or ends a session', async () => {
  await using folder = await tempFolder()
  const shift = `const { now } = Date; let days = 0
    Date.now = () => now() + days * 86_400_000
    process.on('SIGUSR2', () => { days = days === 1 ? -1 : 1 })`
  const proxyFile = await faultyProxy(folder, shift)
  const { now } = Date
  try {
    await using p = await project(
      { fast: { port: await freePort(), servers: ['echo'] } },
      { proxyFile, timing: { pulse: 50 } },
    )
    await p.up()
    const before = await p.group('fast')
    const session = await rawSession(before.url)
    for (const days of [1, -1]) {
      Date.now = () => now() + days * 86_400_000
      process.kill(before.pid ?? 0, 'SIGUSR2')
      await waitForTurns(100)
      const [answer] = await session.ask('tools/call', { name: 'echo_echo', arguments: { text: 'still here' } })
      expect(answer?.result).toEqual({ content: [{ type: 'text', text: 'still here' }] })
      expect(await p.group('fast')).toEqual(before)
      await p.apply()
      expect((await p.group('fast')).pid).toBe(before.pid)
    }
  } finally {
    Date.now = now
  }
})

/** So that whatever is due, or has come, is taken in. */
async function waitForTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 5))
}
