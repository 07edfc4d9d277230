import { startContenders } from '../contenders.mjs'
import { startLoad } from '../load.mjs'
import { interleave, medianOf, mediansOf, warmUp } from '../rounds.mjs'
import { startUpstream } from '../upstream.mjs'

const TOOLS = 100
const CONNECTIONS = 8

export const lists = { name: 'lists', title: `tools/list of ${TOOLS} tools`, run }

async function run({ own, rounds, quick, quietly, say }) {
  const upstream = await own(startUpstream({ tools: TOOLS }))
  const load = await own(startLoad())
  const contenders = await startContenders(['direct', 'bytes', 'json', 'sdk1', 'mcpctl'], { upstream, own })
  const options = { load, method: 'tools/list', connections: CONNECTIONS, quick }
  say('warming up')
  await warmUp(contenders, options)
  say('measuring')
  const { samples, foreign } = await interleave(contenders, { ...options, rounds, quietly, ms: quick ? 200 : 1000 })
  const asked = await askedUpstream(contenders.at(-1), { upstream, load })
  return [
    {
      id: 'list-100-vs-direct',
      what: `tools/list of ${TOOLS} tools, ${CONNECTIONS} connections, throughput vs asking the server`,
      value: medianOf(samples, ({ mcpctl, direct }) => mcpctl.rate / direct.rate),
      unit: 'x',
      must: { op: '>=', value: 1.2 },
      aim: { op: '>=', value: 2 },
      foreign,
      details: { contenders: mediansOf(samples) },
    },
    {
      id: 'list-100-upstream-requests',
      what: 'requests to the server for 1,000 such lists',
      value: asked,
      unit: '',
      must: { op: '<=', value: 0 },
      aim: { op: '<=', value: 0 },
    },
  ]
}

async function askedUpstream({ url }, { upstream, load }) {
  await upstream.reset()
  await load.run({ url, method: 'tools/list', connections: CONNECTIONS, calls: 1000 })
  return (await upstream.counters()).requests
}
