// Sessions and streams that nobody uses: what each of them costs in memory.
import { setTimeout as delay } from 'node:timers/promises'
import { startLoad } from '../load.mjs'
import { startMcpctl } from '../mcpctl.mjs'
import { Client } from '../scenario/client.mjs'
import { significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

const KB = 1024
const AT_ONCE = 16
const SETTLE_MS = 5000

export const sessions = {
  name: 'sessions',
  title: 'Idle sessions and open streams',
  run: measure,
}

async function measure({ quick, say, own }) {
  const upstream = await own(startUpstream())
  const groups = { sessions: { servers: ['one'] }, streams: { servers: ['one'] } }
  const project = await own(startMcpctl({ servers: { one: { url: upstream.url } }, groups }))
  const load = await own(startLoad())
  const kinds = { sessions: quick ? 50 : 5000, streams: quick ? 10 : 1000 }
  const taken = {}
  for (const [kind, count] of Object.entries(kinds)) {
    say(`${count} ${kind}`)
    const proxy = await project.proxy(kind)
    taken[kind] = await measureKind({ proxy, load, count, act: acts[kind], quick, own })
  }
  return [rowOf({ ...taken.sessions, ...bounds.sessions }), rowOf({ ...taken.streams, ...bounds.streams })]
}

/** What is done with each client. */
const acts = {
  async sessions(client) {
    await client.open()
    client.release()
  },
  async streams(client) {
    await client.open()
    await client.listen()
    client.release()
  },
}

/** What the first ones cost is code and room to work in, and comes once: it is there before the counting begins. */
async function measureKind({ proxy: { url, rss }, load, count, act, quick, own }) {
  const settle = () => delay(quick ? 100 : SETTLE_MS)
  await load.run({ url, method: 'tools/list', connections: 8, ms: quick ? 200 : 3000 })
  await eachOf(await createClients({ own, url, count: count / 10 }), act)
  await settle()
  const before = rss()
  await eachOf(await createClients({ own, url, count }), act)
  await settle()
  return { count, before, after: rss() }
}

async function createClients({ own, url, count }) {
  const clients = Array.from({ length: count }, () => new Client(url))
  await own({ stop: async () => clients.forEach((client) => void client.stop()) })
  return clients
}

/** Does the same with each, a few at a time. */
async function eachOf(clients, act) {
  const left = [...clients]
  const work = async () => {
    for (let client = left.pop(); client; client = left.pop()) await act(client)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

const bounds = {
  sessions: { id: 'sessions-memory', what: 'idle sessions: memory of each', most: 20 },
  streams: { id: 'streams-memory', what: 'sessions with an open stream: memory of each', most: 60 },
}

function rowOf({ id, what, most, count, before, after }) {
  return {
    id,
    what: `${count.toLocaleString('en-US')} ${what}`,
    value: significant((after - before) / count / KB),
    unit: 'KB',
    must: { op: '<=', value: most },
    aim: { op: '<=', value: most / 2 },
    details: { beforeMB: significant(before / KB / KB), afterMB: significant(after / KB / KB) },
  }
}
