// The original problem: four slow servers, and somebody who wants to know their tools.
import { createProject } from '../mcpctl.mjs'
import { freshList, timed, withClient } from '../scenario/client.mjs'
import { ALL_TOOLS, startOriginSet } from '../scenario/origin-set.mjs'
import { forget, portOpen } from '../scenario/project.mjs'
import { until } from '../scenario/wait.mjs'
import { median, significant } from '../stats.mjs'
import { startYardstick } from '../yardsticks.mjs'

export const origin = {
  name: 'origin',
  title: 'The original problem: four servers of 0.4 to 2 s',
  run: measure,
}

async function measure({ quick, rounds, peers, say, own }) {
  const set = await own(startOriginSet({ scale: quick ? 0.1 : 1 }))
  const project = await own(createProject({ servers: set.servers, groups: { all: { servers: set.names } } }))
  const others = { sequence: await own(startYardstick('sdk1-fresh', set.urls)) }
  const fastmcp = peers.find(({ name, version }) => name === 'FastMCP' && version !== null)
  if (fastmcp) others.fastmcp = await own(fastmcp.start(set.urls))
  const taken = []
  for (let round = 1; round <= Math.min(rounds, 3); round++) {
    say(`round ${round}`)
    const start = await measureStart({ project, set, lists: quick ? 5 : 40 })
    taken.push({ ...start, ...(await listsOf(others)) })
  }
  return rowsOf(taken)
}

/** A fresh session and list of each. */
async function listsOf(others) {
  const taken = {}
  for (const [name, { url }] of Object.entries(others)) taken[name] = (await freshList(url)).ms
  return taken
}

/** One start with nothing known, and lists once all is there. */
async function measureStart({ project, set, lists }) {
  const slowest = await slowestOf(set)
  await set.each((upstream) => upstream.reset())
  const up = project.ok(['up', 'bench', '-d'])
  const { url, at: opened } = await portOpen(project, 'all')
  const ready = await completeList(url)
  const counters = await set.each((upstream) => upstream.counters())
  await up
  const measured = await measureLists(url, { set, count: lists })
  await project.down()
  await forget(project)
  return {
    slowest,
    ready: ready - opened,
    connections: counters.map((counter) => counter.connectionsWhenListed),
    ...measured,
  }
}

/** What connect and list cost at the slowest of them, asked directly. */
async function slowestOf(set) {
  const all = await set.each(async ({ url }) => (await freshList(url, { connections: 1 })).ms)
  return Math.max(...all)
}

/** Resolves with the moment at which the list was complete. */
function completeList(url) {
  return withClient(url, (client) =>
    until(async () => (await client.tools()).length === ALL_TOOLS && performance.now(), { what: 'the list complete' }),
  )
}

async function measureLists(url, { set, count }) {
  const fresh = []
  const warm = []
  await set.each((upstream) => upstream.reset())
  for (let i = 0; i < count; i++) fresh.push((await freshList(url)).ms)
  await withClient(url, async (client) => {
    for (let i = 0; i < count; i++) warm.push(await timed(() => client.tools()))
  })
  const counters = await set.each((upstream) => upstream.counters())
  return { fresh, warm, requests: counters.reduce((sum, { lists, initializes }) => sum + lists + initializes, 0) }
}

function rowsOf(rounds) {
  const middle = (name) => median(rounds.flatMap((round) => round[name]))
  const slowest = middle('slowest')
  const fresh = { freshMs: middle('fresh'), upstreamRequests: middle('requests') }
  return [
    freshRow('origin-fresh-list', 'fresh sessions in sequence', { ...fresh, theirsMs: middle('sequence') }),
    ...('fastmcp' in rounds[0]
      ? [freshRow('origin-fresh-list-fastmcp', 'FastMCP', { ...fresh, theirsMs: middle('fastmcp') })]
      : []),
    {
      id: 'origin-warm-list',
      what: 'list in a session, p50',
      value: significant(middle('warm')),
      unit: 'ms',
      aim: { op: '<=', value: 1.2 },
    },
    {
      id: 'origin-ready',
      what: 'all four ready after the port opened / connect and list of the slowest, asked directly',
      value: significant(middle('ready') / slowest),
      unit: 'x',
      must: { op: '<=', value: significant(1.1 + 50 / slowest) },
      aim: { op: '<=', value: significant(1.02 + 30 / slowest) },
      details: { readyMs: middle('ready'), slowestMs: slowest },
    },
    {
      id: 'origin-connections',
      what: 'connections of a server until its list, the most of any',
      value: Math.max(...rounds.flatMap((round) => round.connections)),
      unit: '',
      must: { op: '<=', value: 2 },
      aim: { op: '<=', value: 1 },
      details: { connections: rounds.map((round) => round.connections) },
    },
  ]
}

function freshRow(id, theirs, details) {
  return {
    id,
    what: `fresh session and list, p50: ${theirs} / mcpctl`,
    value: significant(details.theirsMs / details.freshMs),
    unit: 'x',
    must: { op: '>=', value: 1000 },
    aim: { op: '>=', value: 2000 },
    details,
  }
}
