import { startContenders } from './contenders.mjs'
import { startLoad } from './load.mjs'
import { interleave, medianOf, mediansOf, warmUp } from './rounds.mjs'
import { verdictOf } from './table.mjs'
import { startUpstream } from './upstream.mjs'

/** How many times worse than a bare JSON proxy is a regression, whatever the machine is doing meanwhile. */
const FAR = 1.6
const ROUNDS = 5
const MS = 300

/** A measure whose rows tell together whether mcpctl has fallen far behind a bare JSON proxy. */
export const gate = { name: 'gate', title: 'mcpctl beside a bare JSON proxy', run }

/** Only when it takes more CPU and gets less done: either alone can be somebody else's doing. */
export const isFarBehind = (rows) => rows.every((row) => verdictOf(row) === 'missed')

/** A first result that is bad has to be bad a second time. */
async function run({ own, quick, quietly, say }) {
  const upstream = await own(startUpstream())
  const load = await own(startLoad())
  const contenders = await startContenders(['json', 'mcpctl'], { upstream, own })
  const options = { load, quietly, payload: 200, connections: 8, rounds: ROUNDS, ms: MS }
  say('warming up')
  await warmUp(contenders, { load, payload: 200, quick })
  const first = rowsOf(await interleave(contenders, options))
  if (!isFarBehind(first)) return first
  say('far behind; measuring once more')
  return rowsOf(await interleave(contenders, options))
}

function rowsOf({ samples, foreign }) {
  const shared = { unit: 'x', foreign, details: { contenders: mediansOf(samples) } }
  return [
    {
      id: 'gate-cpu-vs-json',
      what: 'call 200 B, 8 connections, CPU per call vs the bare JSON proxy',
      value: medianOf(samples, ({ mcpctl, json }) => mcpctl.cpu / json.cpu),
      must: { op: '<=', value: FAR },
      ...shared,
    },
    {
      id: 'gate-throughput-vs-json',
      what: 'call 200 B, 8 connections, throughput vs the bare JSON proxy',
      value: medianOf(samples, ({ mcpctl, json }) => mcpctl.rate / json.rate),
      must: { op: '>=', value: 1 / FAR },
      ...shared,
    },
  ]
}
