import { fileURLToPath } from 'node:url'
import { startContenders } from '../contenders.mjs'
import { startLoad } from '../load.mjs'
import { startMcpctl } from '../mcpctl.mjs'
import { interleave, medianOf, mediansOf, warmUp } from '../rounds.mjs'
import { startUpstream } from '../upstream.mjs'

export const calls = { name: 'calls', title: 'tools/call beside the yardsticks', run }

const names = ['direct', 'bytes', 'json', 'sdk1', 'mcpctl']
const sizes = { '200b': 200, '20k': 20_000 }
const atLeast = (value) => ({ op: '>=', value })
const atMost = (value) => ({ op: '<=', value })

async function run(context) {
  const load = await context.own(startLoad())
  const rows = []
  for (const measure of [legacyRows, modernRows, stdioRows]) rows.push(...(await measure({ ...context, load })))
  return rows
}

async function legacyRows(context) {
  const upstream = await context.own(startUpstream())
  const contenders = await startContenders(names, { upstream, own: context.own })
  const take = createTake(contenders, context)
  await take.warm()
  const cells = {}
  for (const size of Object.keys(sizes))
    for (const connections of [1, 8, 64]) cells[`${size}-${connections}`] = await take(size, connections)
  await upstream.configure({ answer: 'sse' })
  cells.sse = await take('200b', 8)
  await upstream.configure({ answer: 'json' })
  const bridged = contenders.map((one) => (one.name === 'mcpctl' ? { ...one, era: 'modern' } : one))
  cells.bridged = await takeSmall(only(bridged, ['bytes', 'mcpctl']), context)
  return [...smallRows(cells), ...largeRows(cells), ...otherRows(cells)]
}

/** A function that takes a cell, every contender under the same load in turns. */
function createTake(contenders, { load, rounds, quick, quietly, say }) {
  const ms = quick ? 150 : 800
  const take = (size, connections) => {
    say(`${size}, ${connections} connections`)
    return interleave(contenders, { load, rounds, quietly, ms, payload: sizes[size], connections })
  }
  const warm = async () => {
    say('warming up')
    for (const payload of Object.values(sizes)) await warmUp(contenders, { load, quick, payload })
  }
  return Object.assign(take, { warm })
}

/** One cell of contenders that have not been asked in this way before. */
async function takeSmall(contenders, context) {
  const take = createTake(contenders, context)
  await take.warm()
  return take('200b', 8)
}

const only = (contenders, wanted) => contenders.filter(({ name }) => wanted.includes(name))

function smallRows(cells) {
  const both = ['200b-8', '200b-64']
  return [
    ...both.map((id) => throughputRow(id, cells[id], { must: atLeast(0.85), aim: atLeast(1) })),
    ...both.map((id) => ({
      id: `calls-${id}-vs-sdk1`,
      what: `${describe(id)}, throughput vs the SDK 1.x class proxy`,
      value: medianOf(cells[id].samples, ({ mcpctl, sdk1 }) => mcpctl.rate / sdk1.rate),
      unit: 'x',
      must: atLeast(7),
      aim: atLeast(10),
      foreign: cells[id].foreign,
    })),
    ...both.map((id) => ({
      id: `cpu-${id}-vs-bytes`,
      what: `${describe(id)}, CPU per call vs the byte-copying proxy`,
      value: medianOf(cells[id].samples, ({ mcpctl, bytes }) => mcpctl.cpu / bytes.cpu),
      unit: 'x',
      must: atMost(1.2),
      aim: atMost(0.9),
      foreign: cells[id].foreign,
    })),
    addedRow(cells['200b-1']),
    tailRow(cells['200b-64']),
  ]
}

function addedRow({ samples, foreign }) {
  const { direct, bytes, mcpctl } = mediansOf(samples)
  return {
    id: 'added-p50-200b-1-vs-bytes',
    what: `${describe('200b-1')}, p50 it adds vs what the byte-copying proxy adds`,
    value: (mcpctl.p50 - direct.p50) / (bytes.p50 - direct.p50),
    unit: 'x',
    must: atMost(1.4),
    aim: atMost(0.9),
    foreign,
    details: { contenders: mediansOf(samples) },
  }
}

const tailRow = ({ samples, foreign }) => ({
  id: 'tail-200b-64',
  what: `${describe('200b-64')}, p99 / p50`,
  value: medianOf(samples, ({ mcpctl }) => mcpctl.p99 / mcpctl.p50),
  unit: 'x',
  must: atMost(3),
  aim: atMost(2.5),
  foreign,
})

const largeRows = (cells) => [
  ...['20k-8', '20k-64'].map((id) => throughputRow(id, cells[id], { must: atLeast(0.85), aim: atLeast(1) })),
  throughputRow('20k-1', cells['20k-1']),
]

const otherRows = ({ sse, bridged }) => [
  throughputRow('sse-200b-8', sse, { what: 'call 200 B, 8 connections, answers as event streams' }),
  throughputRow('bridged-200b-8', bridged, { what: 'call 200 B, 8 connections, modern clients of a legacy server' }),
]

/** Throughput beside the byte-copying proxy, with all figures of all contenders. */
function throughputRow(id, { samples, foreign }, { what = describe(id), ...bars } = {}) {
  return {
    id: `calls-${id}-vs-bytes`,
    what: `${what}, throughput vs the byte-copying proxy`,
    value: medianOf(samples, ({ mcpctl, bytes }) => mcpctl.rate / bytes.rate),
    unit: 'x',
    ...bars,
    foreign,
    details: { contenders: mediansOf(samples) },
  }
}

function describe(id) {
  const [size, connections] = id.split('-')
  const bytes = size === '20k' ? '20 KB' : '200 B'
  return `call ${bytes}, ${connections} connection${connections === '1' ? '' : 's'}`
}

async function modernRows(context) {
  const upstream = await context.own(startUpstream({ eras: ['modern'] }))
  const started = await startContenders(['direct', 'bytes', 'mcpctl'], { upstream, own: context.own })
  const contenders = started.map((one) => ({ ...one, era: 'modern' }))
  const modern = await takeSmall(contenders, context)
  // Nobody else translates: the byte-copying proxy has clients of the server's own era.
  const bridged = only(contenders, ['bytes', 'mcpctl']).map((one) =>
    one.name === 'mcpctl' ? { ...one, era: 'legacy' } : one,
  )
  const what = 'call 200 B, 8 connections, '
  return [
    throughputRow('modern-200b-8', modern, { what: `${what}modern clients of a modern server` }),
    throughputRow('bridged-back-200b-8', await takeSmall(bridged, context), {
      what: `${what}legacy clients of a modern server`,
    }),
  ]
}

/** No other proxy here runs a stdio server, so it is set beside the byte-copying one over HTTP. */
async function stdioRows(context) {
  const args = [fileURLToPath(new URL('../children/stdio-upstream.mjs', import.meta.url))]
  const servers = { up: { command: process.execPath, args } }
  const project = await context.own(startMcpctl({ servers, groups: { all: { servers: ['up'] } } }))
  const upstream = await context.own(startUpstream())
  const [bytes] = await startContenders(['bytes'], { upstream, own: context.own })
  const mcpctl = { ...(await project.proxy('all')), name: 'mcpctl', tool: 'up_echo' }
  const what = 'call 200 B, 8 connections, stdio server'
  return [throughputRow('stdio-200b-8', await takeSmall([bytes, mcpctl], context), { what })]
}
