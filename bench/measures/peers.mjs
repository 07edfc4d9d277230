import { startContenders } from '../contenders.mjs'
import { startLoad } from '../load.mjs'
import { interleave, medianOf, mediansOf, warmUp } from '../rounds.mjs'
import { significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

export const peers = { name: 'peers', title: 'tools/call beside other proxies', run }

const CONNECTIONS = 8

/** Nothing unless other proxies are asked for; one that is not installed or does not start is a row without a value. */
async function run(context) {
  const installed = context.peers.filter(({ version }) => version !== null)
  if (installed.length === 0) return context.peers.map((peer) => missingRow(peer, 'not installed'))
  const upstream = await context.own(startUpstream())
  const started = await startAll(installed, { upstream, context })
  const measured = await measurePeers(started, { upstream, context })
  return context.peers.map(
    (peer) => measured.get(peer.name) ?? missingRow(peer, peer.version ? 'did not start' : 'not installed'),
  )
}

async function startAll(peers, { upstream, context: { own, say } }) {
  const started = []
  for (const peer of peers) {
    say(`starting ${peer.name} ${peer.version}`)
    await own(peer.start({ up: upstream.url })).then(
      (contender) => started.push({ peer, contender }),
      (error) => say(error.message),
    )
  }
  return started
}

/** The rows by name of the proxy. */
async function measurePeers(started, { upstream, context: { own, rounds, quick, quietly, say } }) {
  const load = await own(startLoad())
  const ours = await startContenders(['bytes', 'mcpctl'], { upstream, own })
  const contenders = [...ours, ...started.map(({ contender }) => contender)]
  say('warming up')
  await warmUp(contenders, { load, quick, payload: 200 })
  say('measuring')
  const options = { load, rounds, quietly, ms: quick ? 300 : 1000, payload: 200, connections: CONNECTIONS }
  const { samples, foreign } = await interleave(contenders, options)
  const megabytes = Object.fromEntries(contenders.map(({ name, rss }) => [name, significant(rss() / 1e6)]))
  const details = { contenders: mediansOf(samples), megabytes }
  const rows = started.map(({ peer }) => {
    const value = medianOf(samples, (one) => one.mcpctl.rate / one[peer.name].rate)
    return [peer.name, row(peer, { what: describe(peer), value, foreign, details })]
  })
  return new Map(rows)
}

const missingRow = (peer, why) => row(peer, { what: `${describe(peer)} (${why})`, value: null })

const row = ({ name }, figures) => ({ id: `calls-200b-8-vs-${name.toLowerCase()}`, unit: 'x', ...figures })

const describe = ({ name, version }) =>
  `call 200 B, ${CONNECTIONS} connections, throughput vs ${name}${version ? ` ${version}` : ''}`
