// Calls after a silence, and many at once: neither may pay for a new connection, which costs 100 ms here.
import { setTimeout as delay } from 'node:timers/promises'
import { startMcpctl } from '../mcpctl.mjs'
import { Client, timed } from '../scenario/client.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

const AT_ONCE = 8
const WARM_UP = 300
const CALLS = 100

export const silence = {
  name: 'silence',
  title: 'Calls after a silence, and eight at once',
  run: measure,
}

/** Several groups, each with a server of its own, are silent side by side. */
async function measure({ quick, say, own }) {
  const upstream = await own(startUpstream({ delays: { connect: quick ? 10 : 100 } }))
  const names = quick ? ['g1'] : ['g1', 'g2', 'g3']
  const servers = Object.fromEntries(names.map((name) => [name, { url: `${upstream.origin}/${name}/mcp` }]))
  const groups = Object.fromEntries(names.map((name) => [name, { servers: [name] }]))
  const project = await own(startMcpctl({ servers, groups }))
  const direct = await own(visit(upstream.url, 'echo'))
  const visits = []
  for (const name of names) visits.push(await own(visit((await project.proxy(name)).url, `${name}_echo`)))
  for (const one of [direct, ...visits]) Object.assign(one, await measureBurst(one))
  say('silent')
  await delay(quick ? 200 : 10_000)
  for (const one of [direct, ...visits]) one.first = await timed(one.call)
  return rowsOf(visits, direct)
}

/** A client whose connections to the proxy are all open, so that only those to the server can cost anything. */
async function visit(url, tool) {
  const client = await new Client(url).open()
  await Promise.all(Array.from({ length: AT_ONCE }, () => client.tools()))
  return { call: () => client.call(tool, { payload: 'x' }), stop: async () => client.stop() }
}

/** The burst comes first: connections that an earlier one opened would make it look better. */
async function measureBurst({ call }) {
  for (let i = 0; i < WARM_UP; i++) await call()
  const singles = []
  for (let i = 0; i < CALLS; i++) singles.push(await timed(call))
  const burst = await timed(() => Promise.all(Array.from({ length: AT_ONCE }, call)))
  return { p50: median(singles), burst }
}

function rowsOf(visits, direct) {
  const ratios = (name) => visits.map((one) => one[name] / one.p50)
  const details = (name) => ({
    ms: visits.map((one) => significant(one[name])),
    p50: visits.map((one) => significant(one.p50)),
    direct: { ms: significant(direct[name]), p50: significant(direct.p50) },
  })
  return [
    {
      id: 'silence-first-call',
      what: 'first call after 10 s of silence / p50',
      value: significant(median(ratios('first'))),
      unit: 'x',
      must: { op: '<=', value: 2 },
      aim: { op: '<=', value: 2 },
      details: details('first'),
    },
    {
      id: 'silence-eight-at-once',
      what: 'eight calls at once, until the last answer / p50 of one',
      value: significant(median(ratios('burst'))),
      unit: 'x',
      aim: { op: '<=', value: 3 },
      details: details('burst'),
    },
  ]
}
