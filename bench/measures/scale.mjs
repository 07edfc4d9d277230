// A thousand servers in one group: what each costs in memory, and how long their list takes.
import { setTimeout as delay } from 'node:timers/promises'
import { timed, withClient } from '../scenario/client.mjs'
import { createMany } from '../scenario/many.mjs'
import { median, significant } from '../stats.mjs'

const MB = 1024 * 1024
const TOOLS_EACH = 12
const SETTLE_MS = 3000

export const scale = {
  name: 'scale',
  title: 'A thousand servers in one group',
  run: measure,
}

async function measure({ quick, say, own }) {
  const counts = quick ? [2, 20] : [10, 100, 1000]
  const taken = []
  for (const count of counts) {
    say(`${count} servers`)
    taken.push(await measureMany({ own, count, settle: quick ? 100 : SETTLE_MS, lists: quick ? 3 : 15 }))
  }
  return rowsOf(taken)
}

async function measureMany({ own, count, settle, lists }) {
  const { project, proxy, upstream } = await createMany({ own, count })
  const ready = await timed(() => project.up())
  const { url, rss, cpu } = await proxy()
  const list = await measureList(url, { tools: count * TOOLS_EACH, lists })
  await delay(settle)
  const { connections } = await upstream.counters()
  const taken = { count, ready, list, rss: rss() / MB, cpu: cpu() / 1000, connections }
  await project.down()
  return taken
}

function measureList(url, { tools, lists }) {
  return withClient(url, async (client) => {
    const found = (await client.tools()).length
    if (found !== tools) throw new Error(`${found} tools are listed instead of ${tools}`)
    const times = []
    for (let i = 0; i < lists; i++) times.push(await timed(() => client.tools()))
    return median(times)
  })
}

function rowsOf(taken) {
  const [few] = taken
  const [some, many] = taken.slice(-2)
  const each = (many.rss - few.rss) / (many.count - few.count)
  const details = Object.fromEntries(
    taken.map(({ count, ...figures }) => [
      count,
      Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, significant(value)])),
    ]),
  )
  return [
    {
      id: 'scale-memory-each',
      what: `${many.count} servers in one group: memory of each`,
      value: significant(each),
      unit: 'MB',
      must: { op: '<=', value: 0.2 },
      aim: { op: '<=', value: 0.1 },
      details,
    },
    {
      id: 'scale-memory-growth',
      what: `memory of a group of ${many.count} servers / of one of ${some.count}`,
      value: significant(many.rss / some.rss),
      unit: 'x',
      must: { op: '<=', value: 10 },
      aim: { op: '<=', value: 2 },
    },
    {
      id: 'scale-list',
      what: `list of ${(many.count * TOOLS_EACH).toLocaleString('en-US')} tools, p50`,
      value: significant(many.list),
      unit: 'ms',
      must: { op: '<=', value: 60 },
      aim: { op: '<=', value: 50 },
    },
  ]
}
