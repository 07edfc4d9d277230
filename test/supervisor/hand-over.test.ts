import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { rawSession } from '../helpers/mcp.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { heard, LIST_CHANGED, listenTo, openListen } from './crowd.ts'
import { built } from './detached.ts'
import { countOver, type Ground, ground, oldest } from './ground.ts'

beforeAll(built)

test('a replacement killed as it begins costs no session, and no stream hangs', async () => {
  await using at = await ground({ it: 'echo' })
  const sessions = await Promise.all(Array.from({ length: 50 }, () => rawSession(at.url)))
  const streams = await Promise.all(sessions.map((session) => listenTo(at.url, session)))
  const listen = await openListen(at.url, { toolsListChanged: true })
  const sse = await oldest(at.port)
  const over = new Set<object>()
  for (const one of [...streams, listen, sse]) void one.over.then(() => over.add(one))
  const { group } = await at.ready()
  const restart = at.d.client.ask('restart', { groups: [] })
  const next = await waitFor(() => proxiesOf(at).find(({ pid }) => pid !== group.pid))
  process.kill(next.pid, 'SIGKILL')
  await restart.catch(() => {})
  await waitFor(async () => (await at.ready()).group.pid !== next.pid)
  await waitFor(() => proxiesOf(at).length === 1, 20_000)
  for (const session of sessions) expect((await session.ask('ping'))[0]?.result).toEqual({})
  await at.reload({ it: 'echo', two: 'echo' })
  // Each of them is over, or goes on to hear what there is.
  await waitFor(() => [...streams, listen, sse].every((one) => over.has(one) || heard(one, LIST_CHANGED) > 0))
  for (const one of [...streams, listen, sse]) one.abort()
})

test('five hundred streams go over at once, those whose clients leave in that very moment with nothing left of them', async () => {
  await using at = await ground({ it: 'echo' })
  const sessions = await Promise.all(Array.from({ length: 250 }, () => rawSession(at.url)))
  const staying = await Promise.all(sessions.map((session) => listenTo(at.url, session)))
  const leaving = await Promise.all(sessions.map((_, n) => openListen(at.url, { toolsListChanged: true }, n)))
  const broken = countOver(staying)
  const restart = at.restart()
  for (const one of leaving) {
    await setImmediate()
    one.abort()
  }
  await restart
  await at.reload({ it: 'echo', two: 'echo' })
  await waitFor(() => staying.every((one) => heard(one, LIST_CHANGED) > 0))
  expect(broken()).toBe(0)
  const { pid } = (await at.ready()).group
  // Nothing is left of those whose clients left.
  await waitFor(() => descriptorsOf(pid ?? 0) < 100 + staying.length)
  for (const one of staying) one.abort()
})

test('two replacements and a reload in quick succession, with a kill among them, cost no session', async () => {
  await using at = await ground({ it: 'echo' })
  const sessions = await Promise.all(Array.from({ length: 20 }, () => rawSession(at.url)))
  const streams = await Promise.all(sessions.map((session) => listenTo(at.url, session)))
  const broken = countOver(streams)
  const ask = () => at.d.client.ask('restart', { groups: [] }).catch(() => {})
  await Promise.all([ask(), ask(), at.reload({ it: 'echo', two: 'echo' }), ask()])
  await at.ready()
  await waitFor(() => proxiesOf(at).length === 1, 20_000)
  expect(broken()).toBe(0)
  await waitFor(() => streams.every((one) => heard(one, LIST_CHANGED) > 0))
  const { group } = await at.ready()
  const all = [ask(), at.reload({ it: 'echo' })]
  process.kill(group.pid ?? 0, 'SIGKILL')
  await Promise.all(all)
  await at.ready()
  await waitFor(() => proxiesOf(at).length === 1, 20_000)
  for (const session of sessions) expect((await session.ask('ping'))[0]?.result).toEqual({})
  for (const one of streams) one.abort()
})

test('who does not read holds up nobody: the streams of others go on and an answer that is pending comes', async () => {
  await using at = await ground({ it: 'all-features' })
  const session = await rawSession(at.url)
  const reading = await listenTo(at.url, session)
  const deaf = await rawSession(at.url)
  await using unread = await mute(at, deaf.id)
  const sse = await oldest(at.port)
  const late = sse.ask('tools/call', { name: 'it_slow', arguments: {} }, 'late')
  const broken = countOver([reading, sse])
  await at.restart({ wait: false })
  expect((await session.ask('ping'))[0]?.result).toEqual({})
  await late
  await waitFor(() => proxiesOf(at).length === 1, 40_000)
  expect(broken()).toBe(0)
  expect((await deaf.ask('ping'))[0]?.result).toEqual({})
  expect(unread.socket.destroyed).toBe(false)
  reading.abort()
  sse.abort()
}, 60_000)

test('the supervisor killed while streams go over leaves nobody behind', async () => {
  await using at = await ground({ it: 'echo' })
  const sessions = await Promise.all(Array.from({ length: 50 }, () => rawSession(at.url)))
  const streams = await Promise.all(sessions.map((session) => listenTo(at.url, session)))
  const { group } = await at.ready()
  void at.d.client.ask('restart', { groups: [] }).catch(() => {})
  await waitFor(() => proxiesOf(at).find(({ pid }) => pid !== group.pid))
  process.kill((await at.d.client.ask('status')).supervisor.pid, 'SIGKILL')
  await waitFor(() => markedProcesses(at.d.paths.folder).length === 0, 4_000)
  await Promise.all(streams.map(({ over }) => over))
  expect(isAlive(group.pid ?? 0)).toBe(false)
})

function proxiesOf({ d }: Ground) {
  return markedProcesses(d.paths.folder).filter(({ command }) => command.includes('proxy.js'))
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** A session's stream whose client never reads. */
async function mute({ port }: Ground, session: string): Promise<{ readonly socket: Socket } & AsyncDisposable> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  socket.write(
    `GET /mcp HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: text/event-stream\r\nmcp-session-id: ${session}\r\n\r\n`,
  )
  return { socket, [Symbol.asyncDispose]: async () => void socket.destroy() }
}
