// Calls after a silence, and many at once: neither may pay for a new connection, which costs 100 ms here.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { startMcpctl } from '../mcpctl.mjs'
import { createCertificate } from '../scenario/certificate.mjs'
import { Client, timed } from '../scenario/client.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'
import { startYardstick } from '../yardsticks.mjs'

const AT_ONCE = 8
const WARM_UP = 300
const CALLS = 100
/** So many of each kind are silent side by side: a silence has one first call, and one alone says little. */
const PROXIES = 5
/** After that long a processor has turned to other things; to connections, timers and memory nothing has happened yet. */
const PAUSE_MS = 500
const PAUSES = 6

export const silence = {
  name: 'silence',
  title: 'Calls after a silence, and eight at once',
  run: measure,
}

async function measure({ quick, say, own }) {
  // Behind TLS, for on the loopback interface only its handshake can be made to take as long as it would elsewhere.
  const tls = await own(createCertificate())
  const upstream = await own(startUpstream({ tls, delays: { connect: quick ? 10 : 100 } }))
  const setting = { upstream, tls, names: namesOf(quick ? 1 : PROXIES), own }
  const direct = await own(visit(upstream.url, 'echo', { ca: await readFile(tls.certFile) }))
  const ours = await visitProxies(setting)
  const bytes = await visitYardsticks(setting)
  // In turns, so that the load and the server are as awake for the ones as for the others.
  const all = [direct, ...ours.flatMap((one, at) => [one, bytes[at]])]
  for (const one of all) Object.assign(one, await measureBurst(one))
  for (let i = 0; i < PAUSES; i++) {
    await delay(quick ? 1 : PAUSE_MS)
    for (const one of all) one.paused.push(await timed(one.call))
  }
  say('silent')
  await delay(quick ? 200 : 10_000)
  for (const one of all) Object.assign(one, await measureFirst(one))
  return rowsOf({ ours, bytes, direct })
}

const namesOf = (count) => Array.from({ length: count }, (_, at) => `g${at + 1}`)

/** Several groups, each with a server of its own. */
async function visitProxies({ upstream, tls, names, own }) {
  const servers = Object.fromEntries(names.map((name) => [name, { url: `${upstream.origin}/${name}/mcp` }]))
  const groups = Object.fromEntries(names.map((name) => [name, { servers: [name] }]))
  const project = await own(startMcpctl({ servers, groups, env: { NODE_EXTRA_CA_CERTS: tls.certFile } }))
  const visits = []
  for (const name of names) {
    const { url, cpu } = await project.proxy(name)
    visits.push({ ...(await own(visit(url, `${name}_echo`))), cpu })
  }
  return visits
}

async function visitYardsticks({ upstream, tls, names, own }) {
  const visits = []
  for (const name of names) {
    const env = { NODE_EXTRA_CA_CERTS: tls.certFile }
    const { url, cpu } = await own(startYardstick('bytes', { [name]: `${upstream.origin}/${name}/mcp` }, { env }))
    visits.push({ ...(await own(visit(url, 'echo'))), cpu })
  }
  return visits
}

/** A client whose connections to the proxy are all open, so that only those to the server can cost anything. */
async function visit(url, tool, options) {
  const client = await new Client(url, options).open()
  await Promise.all(Array.from({ length: AT_ONCE }, () => client.tools()))
  return { call: () => client.call(tool, { payload: 'x' }), stop: async () => client.stop(), paused: [], cpu: () => 0 }
}

/** The burst comes first: connections that an earlier one opened would make it look better. */
async function measureBurst({ call, cpu }) {
  for (let i = 0; i < WARM_UP; i++) await call()
  const before = cpu()
  const singles = []
  for (let i = 0; i < CALLS; i++) singles.push(await timed(call))
  const cpuOfOne = (cpu() - before) / CALLS
  const burst = await timed(() => Promise.all(Array.from({ length: AT_ONCE }, call)))
  return { p50: median(singles), burst, cpuOfOne }
}

/** With the CPU time that the proxy needs for it: how cold it is, whoever else wants the processor meanwhile. */
async function measureFirst({ call, cpu }) {
  const before = cpu()
  const first = await timed(call)
  return { first, cpuOfFirst: cpu() - before }
}

function rowsOf(all) {
  const { ours, bytes } = all
  const bar = { op: '<=', value: 2 }
  const firstCall = {
    id: 'silence-first-call',
    what: 'first call after 10 s of silence / p50',
    value: ratioOf(ours, 'first'),
    unit: 'x',
    must: bar,
    aim: bar,
    details: { ms: detailsOf(all, 'first'), p50: detailsOf(all, 'p50'), cpu: cpuOf(all) },
  }
  const firstCallOfBytes = {
    id: 'silence-first-call-bytes',
    what: 'first call after 10 s of silence / p50, the byte-copying proxy',
    value: ratioOf(bytes, 'first'),
    unit: 'x',
  }
  const afterPause = {
    id: 'silence-first-call-pause',
    what: `first call after 10 s of silence / after ${PAUSE_MS / 1000} s`,
    value: significant(median(ours.map(({ first, paused }) => first / median(paused)))),
    unit: 'x',
    details: { ms: detailsOf(all, 'paused') },
  }
  const eightAtOnce = {
    id: 'silence-eight-at-once',
    what: 'eight calls at once, until the last answer / p50 of one',
    value: ratioOf(ours, 'burst'),
    unit: 'x',
    aim: { op: '<=', value: 3 },
    details: { ms: detailsOf(all, 'burst'), p50: detailsOf(all, 'p50') },
  }
  const eightAtOnceOfBytes = {
    id: 'silence-eight-at-once-bytes',
    what: 'eight calls at once, until the last answer / p50 of one, the byte-copying proxy',
    value: ratioOf(bytes, 'burst'),
    unit: 'x',
  }
  return [firstCall, firstCallOfBytes, afterPause, eightAtOnce, eightAtOnceOfBytes]
}

const ratioOf = (visits, figure) => significant(median(visits.map((one) => one[figure] / one.p50)))

/** In milliseconds, of each visit; of several the median. */
function detailsOf({ ours, bytes, direct }, figure) {
  const of = (visits) => visits.map((one) => significant(median([one[figure]].flat())))
  return { mcpctl: of(ours), bytes: of(bytes), direct: of([direct]) }
}

/** In microseconds. */
const cpuOf = ({ ours, bytes }) =>
  Object.fromEntries(
    Object.entries({ mcpctl: ours, bytes }).map(([name, visits]) => [
      name,
      {
        first: significant(median(visits.map(({ cpuOfFirst }) => cpuOfFirst))),
        each: significant(median(visits.map(({ cpuOfOne }) => cpuOfOne))),
      },
    ]),
  )
