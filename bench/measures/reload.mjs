// One server more among a thousand: how soon after the save it can be used, and who notices.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { parseDocument, stringify } from 'yaml'
import { startLoad } from '../load.mjs'
import { freshList, timed, withClient } from '../scenario/client.mjs'
import { createMany } from '../scenario/many.mjs'
import { until } from '../scenario/wait.mjs'
import { median, significant } from '../stats.mjs'

const CONNECTIONS = 8
const LOADED = '/s0/mcp'

export const reload = {
  name: 'reload',
  title: 'One server more among a thousand',
  run: measure,
}

async function measure({ quick, rounds, say, own }) {
  const count = quick ? 10 : 1000
  const many = await createMany({ own, count })
  const load = await own(startLoad())
  const text = stringify(JSON.parse(await readFile(many.project.file, 'utf8')))
  await save(many.project, text)
  await many.project.up()
  const { url } = await many.proxy()
  await load.run({ url, tool: 's0_echo', payload: 200, connections: CONNECTIONS, ms: quick ? 100 : 2000 })
  const taken = []
  for (let round = 0; round < Math.min(rounds, 4); round++) {
    // Every second one under load: what nobody notices must be so for those who are at work, too.
    const isUnderLoad = round % 2 === 1 || rounds === 1
    say(`round ${round + 1}${isUnderLoad ? ', under load' : ''}`)
    taken.push(await addOne({ many, url, load: isUnderLoad ? load : undefined, name: `added${round}`, quick }))
  }
  return rowsOf({ count, taken, parse: parseTime(text) })
}

/** Replaces the file as an editor would: a new one, renamed into place. */
async function save({ file }, text) {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

async function addOne({ many: { upstream, project, group }, url, load, name, quick }) {
  const path = `/${name}/mcp`
  const own = await timed(() => freshList(upstream.origin + path, { connections: 1 }))
  const before = await askedOfOthers(upstream)
  const working = load?.run({ url, tool: 's0_echo', payload: 200, connections: CONNECTIONS, ms: quick ? 500 : 3000 })
  const failure = working?.then(
    () => undefined,
    (error) => error.message,
  )
  const text = added(await readFile(project.file, 'utf8'), { group, name, url: upstream.origin + path })
  const saved = performance.now()
  await save(project, text)
  const visible = (await firstCall(url, `${name}_echo`)) - saved
  const failed = await failure
  const requests = (await askedOfOthers(upstream)) - before
  await expectListed(url, `${name}_echo`)
  return { visible, own, requests, failed, isUnderLoad: load !== undefined }
}

/**
 * What the servers that were there from the start were asked for: sessions, lists and connections, but no calls, nor
 * whether they are still alive.
 */
async function askedOfOthers(upstream) {
  const { paths } = await upstream.counters()
  const others = Object.entries(paths).filter(([path]) => path.startsWith('/s'))
  return others.reduce(
    (sum, [path, counter]) => sum + askedOf(counter) + (path === LOADED ? 0 : counter.connections),
    0,
  )
}

const askedOf = ({ initializes, discovers, lists }) => initializes + discovers + lists

function added(text, { group, name, url }) {
  const document = parseDocument(text)
  document.setIn(['servers', name], document.createNode({ url }))
  document.addIn(['profiles', 'bench', 'groups', group, 'servers'], name)
  return String(document)
}

/** Resolves with the moment at which a tool could first be called. A list of all would itself take its time. */
function firstCall(url, tool) {
  return withClient(url, (client) =>
    until(async () => (await client.call(tool, { payload: 'x' })) && performance.now(), { every: 2, what: tool }),
  )
}

async function expectListed(url, tool) {
  const { tools } = await freshList(url)
  if (!tools.some(({ name }) => name === tool)) throw new Error(`${tool} can be called but is not listed`)
}

/** As the supervisor parses it: with positions, for what it has to say about a line. */
function parseTime(text) {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    parseDocument(text)
    return performance.now() - start
  })
  return median(times)
}

function rowsOf({ count, taken, parse }) {
  const quiet = taken.filter(({ isUnderLoad }) => !isUnderLoad)
  const beyond = median((quiet.length > 0 ? quiet : taken).map(({ visible, own }) => visible - own))
  const failures = taken.filter(({ failed }) => failed !== undefined)
  return [
    {
      id: 'reload-visible',
      what: `one server more among ${count}: from the save until it can be called, beyond its own connect and list`,
      value: significant(beyond),
      unit: 'ms',
      must: { op: '<=', value: significant(parse + 150) },
      aim: { op: '<=', value: significant(parse + 60) },
      details: { parseMs: significant(parse), taken },
    },
    {
      id: 'reload-requests',
      what: 'requests to the other servers meanwhile',
      value: Math.max(...taken.map(({ requests }) => requests)),
      unit: '',
      must: { op: '<=', value: 0 },
      aim: { op: '<=', value: 0 },
    },
    {
      id: 'reload-failures',
      what: `loads of ${CONNECTIONS} connections in which a call failed meanwhile`,
      value: failures.length,
      unit: '',
      aim: { op: '<=', value: 0 },
      details: failures.map(({ failed }) => failed),
    },
  ]
}
