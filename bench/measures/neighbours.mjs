// One server hung, dead or slow: what those beside it in the group notice.
import { setTimeout as delay } from 'node:timers/promises'
import { startLoad } from '../load.mjs'
import { createProject } from '../mcpctl.mjs'
import { freePort } from '../ports.mjs'
import { Client } from '../scenario/client.mjs'
import { until } from '../scenario/wait.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

/** What may be the matter with a server; `dead` is one whose port is closed. */
const delaysOf = {
  well: {},
  hung: { initialize: 'never', initialized: 'never', other: 'never', list: 'never', call: 'never' },
  stuck: { call: 'never' },
  slow: { connect: 200, initialize: 500, list: 500, call: 2000 },
}
const allKinds = [...Object.keys(delaysOf), 'dead']
/** Calls that wait for the sick server all the time. */
const WAITING = 16
const loads = {
  calls: { method: 'tools/call', payload: 200 },
  lists: { method: 'tools/list' },
}

export const neighbours = {
  name: 'neighbours',
  title: 'One server hung, dead or slow beside three healthy ones',
  run: measure,
}

async function measure({ quick, rounds, say, own }) {
  const project = await createGroups({ own, kinds: quick ? ['well', 'hung', 'stuck'] : allKinds })
  // The silent ones never become ready: nobody waits for them.
  await project.ok(['up', 'bench', '-d'])
  const groups = await healthyOf(project)
  const load = await own(startLoad())
  const awaited = ['stuck', 'slow'].filter((name) => name in groups)
  await Promise.all(awaited.map((name) => keepWaiting({ url: groups[name].url, tool: 'sick_echo', own })))
  const run = (name, kind, ms) =>
    load.run({ ...loads[kind], url: groups[name].url, tool: 'a_echo', connections: 4, ms })
  for (const name of Object.keys(groups))
    for (const kind of Object.keys(loads)) await run(name, kind, quick ? 50 : 1500)
  const taken = []
  for (let round = 0; round < (quick ? 1 : 3 * rounds); round++) {
    say(`round ${round + 1}`)
    taken.push(
      await inTurns({ names: Object.keys(groups), round, run: (name, kind) => run(name, kind, quick ? 50 : 300) }),
    )
  }
  return [rowOf(taken, 'p50'), rowOf(taken, 'p99')]
}

/** The same three healthy servers in every group, and beside them one of its kind. */
async function createGroups({ own, kinds }) {
  const healthy = await own(startUpstream())
  const names = ['a', 'b', 'c']
  const servers = Object.fromEntries(names.map((name) => [name, { url: `${healthy.origin}/${name}/mcp` }]))
  const groups = {}
  for (const kind of kinds) {
    servers[kind] = { url: await urlOf(kind, own) }
    groups[kind] = { servers: [...names, { ref: kind, prefix: 'sick_' }] }
  }
  return own(createProject({ servers, groups }))
}

/** Of one tool each: whether it is listed must make no difference to the lists. */
async function urlOf(kind, own) {
  if (kind === 'dead') return `http://127.0.0.1:${await freePort()}/mcp`
  return (await own(startUpstream({ tools: 1, delays: delaysOf[kind] }))).url
}

/** The groups by name, once the healthy servers of each are ready and the slow one is, too. */
function healthyOf(project) {
  return until(
    async () => {
      const { groups } = await project.status()
      const isUp = ({ servers }) =>
        servers.every(({ name, state }) => ['hung', 'dead'].includes(name) || state === 'ready')
      return groups.every(isUp) && Object.fromEntries(groups.map((group) => [group.name, group]))
    },
    { every: 100, what: 'healthy servers ready' },
  )
}

/** Keeps so many calls waiting for a sick server until the measure is over. */
async function keepWaiting({ url, tool, own }) {
  const client = await new Client(url).open()
  let isOver = false
  await own({
    async stop() {
      isOver = true
      client.stop()
    },
  })
  const again = async () => {
    // One that was given up is followed by the next, but not at once: it must not become load.
    while (!isOver) await client.call(tool, { payload: 'x' }).catch(() => delay(500))
  }
  for (let i = 0; i < WAITING; i++) void again()
}

/** Every group after the other, in another order each round: `{KIND: {GROUP: {p50, p99}}}`. */
async function inTurns({ names, round, run }) {
  const order = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
  const taken = { calls: {}, lists: {} }
  for (const kind of Object.keys(taken)) for (const name of order) taken[kind][name] = await run(name, kind)
  return taken
}

/** The worst of all: lists or calls, whatever is the matter with the server beside. */
function rowOf(taken, figure) {
  const details = Object.fromEntries(
    Object.keys(loads).map((kind) => [
      kind,
      ratiosOf(
        taken.map((round) => round[kind]),
        figure,
      ),
    ]),
  )
  const worst = Math.max(...Object.values(details).flatMap((ratios) => Object.values(ratios)))
  return {
    id: `neighbours-${figure}`,
    what: `lists and calls beside a hung, dead, stuck or slow server / beside none, ${figure}, the worst`,
    value: significant(worst),
    unit: 'x',
    ...(figure === 'p50' && { must: { op: '<=', value: 1.2 } }),
    aim: { op: '<=', value: 1.2 },
    details,
  }
}

function ratiosOf(rounds, figure) {
  const sick = Object.keys(rounds[0]).filter((name) => name !== 'well')
  const ratio = (name) => median(rounds.map((round) => round[name][figure] / round.well[figure]))
  return Object.fromEntries(sick.map((name) => [name, significant(ratio(name))]))
}
