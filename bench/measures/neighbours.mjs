// One server hung, dead or slow: what those beside it in the group notice.
import { setTimeout as delay } from 'node:timers/promises'
import { startLoad } from '../load.mjs'
import { createProject } from '../mcpctl.mjs'
import { freePort } from '../ports.mjs'
import { Client } from '../scenario/client.mjs'
import { until } from '../scenario/wait.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'
import { cpuOf } from '../usage.mjs'

/** What may be the matter with a server; `dead` is one whose port is closed, `control` another one that is well. */
const delaysOf = {
  well: {},
  control: {},
  hung: { initialize: 'never', initialized: 'never', other: 'never', list: 'never', call: 'never' },
  stuck: { call: 'never' },
  slow: { connect: 200, initialize: 500, list: 500, call: 2000 },
}
const allKinds = [...Object.keys(delaysOf), 'dead']
/** Calls that wait for the sick server all the time. */
const WAITING = 16
/** Short and many, so that what else goes on in the machine hits all of them alike. */
const SLICE_MS = 100
const SLICES = 6
/** Of each kind, for two processes that do the very same differ by up to a tenth as long as they live: the middle one counts. */
const COPIES = 3
/** How long nobody asks for anything but the calls that wait. */
const REST_MS = 5000
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
  const kinds = quick ? ['well', 'control', 'hung', 'stuck'] : allKinds
  const copies = quick ? 1 : COPIES
  const project = await createGroups({ own, kinds, copies })
  // The silent ones never become ready: nobody waits for them.
  await project.ok(['up', 'bench', '-d'])
  const groups = await healthyOf(project)
  const load = await own(startLoad())
  const awaited = Object.keys(groups).filter((name) => ['stuck', 'slow'].includes(kindOf(name)))
  await Promise.all(awaited.map((name) => keepWaiting({ url: groups[name].url, tool: 'sick_echo', own })))
  const run = (name, kind, ms) =>
    sample(groups[name].pid, () => load.run({ ...loads[kind], ...asked(groups[name]), ms }))
  for (const name of Object.keys(groups))
    for (const kind of Object.keys(loads)) await run(name, kind, quick ? 50 : 1000)
  const atRest = await measureRest({ groups, kinds, ms: quick ? 100 : REST_MS })
  const taken = []
  for (let round = 0; round < (quick ? 1 : SLICES * rounds); round++) {
    say(`round ${round + 1}`)
    taken.push(await inTurns({ names: Object.keys(groups), round, run: (name, kind) => run(name, kind, SLICE_MS) }))
  }
  return [rowOf(taken, 'p50'), rowOf(taken, 'p99'), cpuRowOf(taken, atRest), controlOf(taken)]
}

const kindOf = (name) => name.replace(/\d+$/, '')
const asked = ({ url }) => ({ url, tool: 'a_echo', connections: 4 })

/** `cpu` is that of the proxy for each answer, with all it does meanwhile for those who wait. */
async function sample(pid, act) {
  const before = cpuOf(pid)
  const { p50, p99, calls } = await act()
  return { p50, p99, cpu: (cpuOf(pid) - before) / calls }
}

/** `{KIND: CPU}`: what the sick server alone costs a proxy, in microseconds of CPU per second. */
async function measureRest({ groups, kinds, ms }) {
  const all = Object.entries(groups).map(([name, { pid }]) => ({ kind: kindOf(name), pid, before: cpuOf(pid) }))
  await delay(ms)
  const spent = all.map(({ kind, pid, before }) => ({ kind, cpu: ((cpuOf(pid) - before) / ms) * 1000 }))
  const ofKind = (kind) => median(spent.filter((one) => one.kind === kind).map(({ cpu }) => cpu))
  return Object.fromEntries(kinds.map((kind) => [kind, significant(ofKind(kind))]))
}

/** The same three healthy servers in every group and one of a kind, whose name the group has with a number behind it. */
async function createGroups({ own, kinds, copies }) {
  const healthy = await own(startUpstream())
  const names = ['a', 'b', 'c']
  const servers = Object.fromEntries(names.map((name) => [name, { url: `${healthy.origin}/${name}/mcp` }]))
  for (const kind of kinds) servers[kind] = { url: await urlOf(kind, own) }
  const groups = Object.fromEntries(
    inRows(kinds, copies).map((name) => [name, { servers: [...names, { ref: kindOf(name), prefix: 'sick_' }] }]),
  )
  return own(createProject({ servers, groups }))
}

/** There and back again, so that being started and warmed up sooner or later is no kind's advantage. */
function inRows(kinds, copies) {
  const row = (copy) => (copy % 2 === 0 ? kinds : kinds.toReversed()).map((kind) => `${kind}${copy + 1}`)
  return Array.from({ length: copies }, (_, copy) => row(copy)).flat()
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

/** Every group after the other, in another order each round: `{LOAD: {GROUP: {p50, p99, cpu}}}`. */
async function inTurns({ names, round, run }) {
  const turned = [...names.slice(round % names.length), ...names.slice(0, round % names.length)]
  const order = round % 2 === 0 ? turned : turned.reverse()
  const taken = { calls: {}, lists: {} }
  for (const kind of Object.keys(taken)) for (const name of order) taken[kind][name] = await run(name, kind)
  return taken
}

const whats = { p50: 'p50', p99: 'p99', cpu: 'CPU of the proxy' }
const bars = {
  p50: { must: { op: '<=', value: 1.2 }, aim: { op: '<=', value: 1.2 } },
  p99: { aim: { op: '<=', value: 1.2 } },
}

/** The worst of all: lists or calls, whatever is the matter with the server beside. */
function rowOf(taken, figure) {
  const details = ratiosOf(taken, figure)
  const sick = Object.values(details).flatMap(({ control: _, ...ratios }) => Object.values(ratios))
  return {
    id: `neighbours-${figure}`,
    what: `lists and calls beside a hung, dead, stuck or slow server / beside none, ${whats[figure]}, the worst`,
    value: Math.max(...sick),
    unit: 'x',
    ...bars[figure],
    details,
  }
}

function cpuRowOf(taken, atRest) {
  const row = rowOf(taken, 'cpu')
  return { ...row, details: { ...row.details, atRest } }
}

/** How far two groups are apart that differ in nothing: what the figures above show less than that is no difference. */
function controlOf(taken) {
  const ratios = Object.values(ratiosOf(taken, 'p50')).map(({ control }) => control)
  return {
    id: 'neighbours-control',
    what: 'lists and calls beside none / beside none, p50, the worse',
    value: Math.max(...ratios),
    unit: 'x',
  }
}

/** `{LOAD: {KIND: RATIO}}`: the median of what the rounds show, each compared within itself. */
function ratiosOf(taken, figure) {
  const kinds = [...new Set(Object.keys(taken[0].calls).map(kindOf))].filter((kind) => kind !== 'well')
  const ratio = (rounds, kind) =>
    median(rounds.map((round) => middleOf(round, kind, figure) / middleOf(round, 'well', figure)))
  return Object.fromEntries(
    Object.keys(loads).map((load) => {
      const rounds = taken.map((round) => round[load])
      return [load, Object.fromEntries(kinds.map((kind) => [kind, significant(ratio(rounds, kind))]))]
    }),
  )
}

/** Of the groups of one kind. */
function middleOf(round, kind, figure) {
  const copies = Object.keys(round).filter((name) => kindOf(name) === kind)
  return median(copies.map((name) => round[name][figure]))
}
