import { startContenders } from '../contenders.mjs'
import { startLoad } from '../load.mjs'
import { interleave, medianOf, mediansOf, warmUp } from '../rounds.mjs'
import { significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

export const peers = { name: 'peers', title: 'tools/call beside other proxies', run }

const CONNECTIONS = 8

/** Nothing unless other proxies are asked for; those that are not installed are rows without a value. */
async function run(context) {
  const found = context.peers.filter(({ version }) => version !== null)
  const missing = context.peers.filter(({ version }) => version === null)
  const rows = found.length > 0 ? await peerRows(found, context) : []
  return [...rows, ...missing.map((peer) => row(peer, { what: `${describe(peer)} (not installed)`, value: null }))]
}

async function peerRows(found, { own, rounds, quick, quietly, say }) {
  const upstream = await own(startUpstream())
  const load = await own(startLoad())
  const contenders = await startContenders(['bytes', 'mcpctl'], { upstream, own })
  for (const peer of found) {
    say(`starting ${peer.name} ${peer.version}`)
    contenders.push(await own(peer.start({ up: upstream.url })))
  }
  say('warming up')
  await warmUp(contenders, { load, quick, payload: 200 })
  say('measuring')
  const options = { load, rounds, quietly, ms: quick ? 300 : 1000, payload: 200, connections: CONNECTIONS }
  const { samples, foreign } = await interleave(contenders, options)
  const megabytes = Object.fromEntries(contenders.map(({ name, rss }) => [name, significant(rss() / 1e6)]))
  const details = { contenders: mediansOf(samples), megabytes }
  return found.map((peer, index) => {
    const value = medianOf(samples, (one) => one.mcpctl.rate / one[peer.name].rate)
    return row(peer, { value, foreign, ...(index === 0 && { details }) })
  })
}

const row = (peer, figures) => ({
  id: `calls-200b-8-vs-${peer.name.toLowerCase()}`,
  what: describe(peer),
  unit: 'x',
  ...figures,
})

const describe = ({ name, version }) =>
  `call 200 B, ${CONNECTIONS} connections, throughput vs ${name}${version ? ` ${version}` : ''}`
