import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { Agent, get, type IncomingMessage } from 'node:http'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'
import { type Message, messages, post, rawSession } from '../helpers/mcp.ts'
import { ask } from '../helpers/modern.ts'
import { isAlive, markedProcesses } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { crowd, heard, LIST_CHANGED, listenTo, openListen, type RawSession } from './crowd.ts'
import { built, type Detached } from './detached.ts'
import { countOver, ground, oldest } from './ground.ts'

/** In full only where there are minutes to spend. */
const isSoak = Boolean(process.env.SOAK)
const KILLS = isSoak ? 8 : 2
const REPLACEMENTS = isSoak ? 20 : 2
const RELOADS = isSoak ? 100 : 4
const CALLERS = 32

beforeAll(built)

test('P-08: killed with -9 under 32 callers, it loses what was in flight in it and nothing else', async () => {
  await using at = await ground({ it: 'echo' })
  const callers = await crowd(at.url, { size: CALLERS, tool: 'it_echo' })
  const kills: { readonly inFlight: number; readonly lost: number; readonly backMs: number }[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    const { group } = await at.ready()
    // One that was ready for a while did its work, and is replaced at once.
    const before = callers.answered
    const since = performance.now()
    await waitFor(() => callers.answered > before + CALLERS && performance.now() - since > 2_500)
    const server = group.servers[0]?.pid ?? 0
    const [inFlight, failed] = [callers.inFlight, callers.failures.length]
    process.kill(group.pid ?? 0, 'SIGKILL')
    const backMs = Math.round(await callers.back())
    await waitFor(() => !isAlive(server), 5_000)
    kills.push({ inFlight, lost: callers.failures.length - failed, backMs })
  }
  await callers.stop()
  const refused = callers.failures.filter((code) => code === 'ECONNREFUSED')
  if (isSoak) console.table({ ...kills, refused: { lost: refused.length }, load: { lost: loadavg()[0] } })
  expect(refused).toEqual([])
  for (const { inFlight, lost } of kills) expect(lost).toBeLessThanOrEqual(inFlight)
  for (const session of callers.sessions) expect((await session.ask('ping'))[0]?.result).toEqual({})
  // Whoever has to wait for a processor is late for that alone: each gets the share of one that the machine has for it.
  const share = Math.max(1, (loadavg()[0] as number) / availableParallelism())
  if (isSoak) for (const { backMs } of kills) expect(backMs).toBeLessThan(500 * share)
  if (isSoak) expect(median(kills.map(({ backMs }) => backMs))).toBeLessThan(500)
  expect((await at.ready()).group.restarts).toBe(KILLS)
})

test('replaced and reloaded under 32 callers, no request fails, no session is lost and no stream breaks', async () => {
  await using at = await ground({ it: 'echo', other: 'echo' })
  const callers = await crowd(at.url, { size: CALLERS, tool: 'it_echo' })
  const pinned = await Promise.all([
    ...callers.sessions.map((session) => listenTo(at.url, session)),
    ...Array.from({ length: 8 }, (_, n) => openListen(at.url, { toolsListChanged: true }, `listen-${n}`)),
  ])
  const broken = countOver(pinned)
  for (let round = 0; round < Math.max(REPLACEMENTS, RELOADS); round++) {
    if (round < RELOADS) await at.reload(changes[round % changes.length] ?? {})
    if (round < REPLACEMENTS) await at.restart()
  }
  const before = pinned.map((one) => heard(one, LIST_CHANGED))
  await at.reload({ it: 'echo', last: 'echo' })
  await waitFor(() => pinned.every((one, n) => heard(one, LIST_CHANGED) > (before[n] ?? 0)))
  await callers.stop()
  if (isSoak) console.table({ answered: callers.answered, failed: callers.failures.length, broken: broken() })
  expect(callers.failures).toEqual([])
  expect(broken()).toBe(0)
  for (const session of callers.sessions) expect((await session.ask('ping'))[0]?.result).toEqual({})
  for (const one of pinned) one.abort()
}, 600_000)

test('R-24: five replacements with a hundred streams leave two generations at most, and break none', async () => {
  await using at = await ground({ it: 'all-features' })
  const sessions = await Promise.all(Array.from({ length: 50 }, () => rawSession(at.url)))
  const pinned = await Promise.all([
    ...sessions.map((session) => listenTo(at.url, session)),
    ...sessions.map((_, n) => openListen(at.url, { toolsListChanged: true }, n)),
  ])
  const broken = countOver(pinned)
  const stuck = (sessions[0] as RawSession).ask('tools/call', { name: 'it_slow', arguments: {} }, 'stuck')
  let most = 0
  for (let round = 0; round < 5; round++) {
    await at.restart({ wait: false })
    most = Math.max(most, proxiesOf(at.d).length)
  }
  // Whoever is older than the last but one is not waited for any longer.
  expect((await stuck)[0]?.error?.code).toBe(-31006)
  await waitFor(() => proxiesOf(at.d).length === 1)
  expect(most).toBeLessThanOrEqual(3)
  expect(broken()).toBe(0)
  await sessions[0]?.ask('tools/call', { name: 'it_grow', arguments: { name: 'one_more' } })
  await waitFor(() => pinned.every((one) => heard(one, LIST_CHANGED) === 1))
  for (const one of pinned) one.abort()
})

test('every kind of stream goes on unbroken when its proxy is replaced, again and again', async () => {
  await using at = await ground({ it: 'echo' })
  const session = await rawSession(at.url)
  const own = await listenTo(at.url, session)
  const listen = await openListen(at.url, { toolsListChanged: true })
  const sse = await oldest(at.port)
  const broken = countOver([own, listen, sse])
  for (let round = 1; round <= 3; round++) {
    await at.restart()
    await at.reload(round % 2 === 0 ? { it: 'echo' } : { it: 'echo', two: 'echo' })
    await waitFor(() => [own, listen, sse].every((one) => heard(one, LIST_CHANGED) === round))
    expect((await sse.ask('ping', {}, `p${round}`)).result).toEqual({})
  }
  expect(broken()).toBe(0)
  const ids = own.events.flatMap(({ id }) => (id === undefined ? [] : [Number(id.split(':')[1])]))
  expect(ids).toEqual(ids.map((_, index) => index))
  // The last of the four proxies is an ordinary one for it: it ends in peace, and the connection carries more.
  expect((await post(at.url, '', { 'mcp-session-id': session.id })).status).toBe(400)
  for (const one of [own, listen, sse]) one.abort()
})

test('a connection without a request goes over, too: whoever sends one in that very moment gets an answer', async () => {
  await using at = await ground({ it: 'echo' })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const port = async () => {
    const request = get(`http://127.0.0.1:${at.port}/livez`, { agent })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { localPort } = response.socket
    await text(response)
    return localPort
  }
  const first = await port()
  await at.restart()
  expect(await port()).toBe(first)
  await at.restart()
  expect(await port()).toBe(first)
  agent.destroy()
})

test('what a call in flight asks its client is answered when its proxy has been replaced meanwhile', async () => {
  await using at = await ground({ it: 'all-features' })
  const session = await rawSession(at.url, { capabilities: { sampling: {} } })
  const own = await listenTo(at.url, session)
  const asked = { name: 'it_ask', arguments: { question: 'why?' } }
  const call = await session.send({ jsonrpc: '2.0', id: 'c', method: 'tools/call', params: asked })
  const reader = stream(call)
  const question = await waitFor(() => reader.messages.find(({ method }) => method === 'sampling/createMessage'))
  await at.restart({ wait: false })
  const result = { role: 'assistant', model: 'm', content: { type: 'text', text: 'because' } }
  await session.send({ jsonrpc: '2.0', id: question.id, result })
  const answer = await waitFor(() => reader.messages.find(({ id }) => id === 'c'))
  expect(answer.result).toMatchObject({ content: [{ text: 'because' }] })
  own.abort()
})

test('a call in flight can be cancelled after its proxy has been replaced', async () => {
  await using at = await ground({ it: 'all-features' })
  const session = await rawSession(at.url)
  const call = session.ask('tools/call', { name: 'it_slow', arguments: {} }, 'c')
  const old = (await at.ready()).group.pid ?? 0
  await at.restart({ wait: false })
  expect(isAlive(old)).toBe(true)
  await session.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } })
  await call
  await waitFor(() => !isAlive(old), 5_000)
})

test('a call that waits for its client keeps the server it began at, when that is changed meanwhile', async () => {
  await using at = await ground({ it: 'bridge-legacy' })
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } }
  const call = (more: object) =>
    ask(at.url, 'tools/call', { name: 'it_think', arguments: { prompt: 'why?' }, _meta: meta, ...more })
  const { result } = await call({})
  expect(result?.resultType).toBe('input_required')
  const server = (await at.ready()).group.servers[0]?.pid ?? 0
  await at.reload({ it: 'bridge-legacy changed' })
  expect(isAlive(server)).toBe(true)
  const said = { role: 'assistant', model: 'm', content: { type: 'text', text: 'because' } }
  const keys = Object.keys(result?.inputRequests as object)
  const inputResponses = Object.fromEntries(keys.map((key) => [key, said]))
  const answer = await call({ requestState: result?.requestState, inputResponses })
  expect(JSON.stringify(answer.result)).toContain('because')
  await waitFor(() => !isAlive(server))
})

test('a killed proxy is forgotten, but neither the log level nor the subscriptions of its sessions', async () => {
  await using at = await ground({ it: 'remembering' })
  const session = await rawSession(at.url)
  const first = await listenTo(at.url, session)
  await session.ask('logging/setLevel', { level: 'error' })
  await session.ask('resources/subscribe', { uri: 'note://1' })
  const folder = join(at.d.paths.folder, 'sessions')
  expect(await readdir(folder)).toHaveLength(1)
  for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
  await at.kill()
  await first.over
  const again = await listenTo(at.url, session, first.lastId)
  expect(again.status).toBe(200)
  await waitFor(async () => (await told(session)) === '{"level":"error","subscribed":["note://1"]}')
  await session.ask('tools/call', { name: 'it_change', arguments: {} })
  await waitFor(() => heard(again, 'notifications/resources/updated') === 1)
  const log = await session.ask('tools/call', { name: 'it_log', arguments: {} })
  expect(log.flatMap(({ params }) => params?.level ?? [])).toEqual(['error'])
  await fetch(at.url, { method: 'DELETE', headers: { 'mcp-session-id': session.id } })
  await waitFor(async () => (await readdir(folder)).length === 0)
  again.abort()
})

test('a replacement is told what the sessions want before their streams move, and a subscription that ends stays ended', async () => {
  await using at = await ground({ it: 'remembering' })
  const session = await rawSession(at.url)
  const own = await listenTo(at.url, session)
  const listen = await openListen(at.url, { resourceSubscriptions: ['note://1'] })
  await session.ask('logging/setLevel', { level: 'warning' })
  await session.ask('resources/subscribe', { uri: 'note://1' })
  await at.restart()
  expect(await told(session)).toBe('{"level":"warning","subscribed":["note://1"]}')
  await session.ask('tools/call', { name: 'it_change', arguments: {} })
  await waitFor(() => [own, listen].every((one) => heard(one, 'notifications/resources/updated') === 1))
  listen.abort()
  await session.ask('resources/unsubscribe', { uri: 'note://1' })
  await at.restart()
  expect(await told(session)).toBe('{"level":"warning","subscribed":[]}')
  own.abort()
  await fetch(at.url, { method: 'DELETE', headers: { 'mcp-session-id': session.id } })
  await at.restart()
  expect((await session.send({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(404)
})

/** What a reload makes of `it` and `other`: one is added, changed, removed. */
const changes = [
  { it: 'echo', other: 'all-features' },
  { it: 'echo', other: 'all-features', third: 'echo' },
  { it: 'echo' },
]

/** The processes of proxies, not of their servers. */
function proxiesOf({ paths }: Detached) {
  return markedProcesses(paths.folder).filter(({ command }) => command.includes('proxy.js'))
}

async function told(session: RawSession): Promise<string | undefined> {
  const [answer] = await session.ask('tools/call', { name: 'it_told', arguments: {} })
  return (answer?.result?.content as readonly { readonly text: string }[] | undefined)?.[0]?.text
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

/** Reads an answer that is a stream while it comes. */
function stream(response: Response) {
  const read: Message[] = []
  void (async () => {
    let rest = ''
    for await (const chunk of response.body ?? []) {
      rest += new TextDecoder().decode(chunk)
      const events = rest.split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events)
        read.push(...(await messages(new Response(event, { headers: { 'content-type': 'text/event-stream' } }))))
    }
  })()
  return { messages: read }
}
