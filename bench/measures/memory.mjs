import { setTimeout as delay } from 'node:timers/promises'
import { startContenders } from '../contenders.mjs'
import { startLoad } from '../load.mjs'
import { startChild } from '../processes.mjs'
import { startUpstream } from '../upstream.mjs'

export const memory = { name: 'memory', title: 'resident memory, idle and after many calls', run }

const CONNECTIONS = 16
const MEGABYTE = 1e6

async function run({ own, quick, say }) {
  const upstream = await own(startUpstream())
  const contenders = await startContenders(['bytes', 'json', 'sdk1', 'mcpctl'], { upstream, own })
  const bare = { ...(await own(startChild('children/bare.mjs'))), name: 'bare node:http' }
  const idle = await idleRss([bare, ...contenders])
  const load = await own(startLoad())
  const growth = await grow(contenders.at(-1), { load, quick, say })
  return [idleRow(idle), growthRow(growth)]
}

/** By name, in bytes, after what a start leaves behind has settled. */
async function idleRss(processes) {
  await delay(1000)
  return Object.fromEntries(processes.map(({ name, rss }) => [name, rss()]))
}

/** The memory after a first part of the calls and after all of them. */
async function grow({ url, tool, rss }, { load, quick, say }) {
  const goals = quick ? [1000, 5000] : [10_000, 200_000]
  const seen = []
  let done = 0
  for (const goal of goals) {
    say(`${goal.toLocaleString('en-US')} calls`)
    await load.run({ url, tool, payload: 200, connections: CONNECTIONS, calls: goal - done })
    done = goal
    await delay(500)
    seen.push({ calls: goal, rss: rss() })
  }
  return seen
}

const idleRow = (idle) => ({
  id: 'idle-rss-vs-bare',
  what: 'memory of an idle proxy vs a bare node:http process',
  value: idle.mcpctl / idle['bare node:http'],
  unit: 'x',
  must: { op: '<=', value: 1.5 },
  aim: { op: '<=', value: 1.2 },
  details: { megabytes: Object.fromEntries(Object.entries(idle).map(([name, rss]) => [name, rss / MEGABYTE])) },
})

const growthRow = ([first, last]) => ({
  id: 'rss-growth',
  what: `memory after ${last.calls.toLocaleString('en-US')} calls vs after the first ${first.calls.toLocaleString('en-US')}`,
  value: last.rss / first.rss,
  unit: 'x',
  must: { op: '<=', value: 1.3 },
  aim: { op: '<=', value: 1.1 },
  details: { first, last },
})
