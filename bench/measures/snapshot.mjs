// A second start while every server is silent: what is known of them must be on disk.
import { createProject } from '../mcpctl.mjs'
import { withClient } from '../scenario/client.mjs'
import { ALL_TOOLS, startOriginSet } from '../scenario/origin-set.mjs'
import { portOpen } from '../scenario/project.mjs'
import { until } from '../scenario/wait.mjs'
import { median, significant } from '../stats.mjs'

const SILENT = {
  connect: 'never',
  initialize: 'never',
  initialized: 'never',
  other: 'never',
  list: 'never',
  call: 'never',
}
/** Long enough for a first-ever list, and a session's first answer, to be given up. */
const LONGEST_MS = 2000

export const snapshot = {
  name: 'snapshot',
  title: 'A second start before any server has answered',
  run: measure,
}

async function measure({ rounds, say, own }) {
  const set = await own(startOriginSet({ scale: 0 }))
  const project = await own(
    createProject({ servers: set.servers, groups: { all: { servers: set.names, cache: { listWait: '1s' } } } }),
  )
  await project.up()
  await project.down()
  await set.each((upstream) => upstream.configure({ delays: SILENT }))
  const starts = []
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round}`)
    const start = await measureStart(project)
    starts.push(start)
    if (!start.isComplete) break
  }
  return [rowOf(starts)]
}

async function measureStart(project) {
  const up = project.ok(['up', 'bench', '-d'])
  const { url, at } = await portOpen(project, 'all')
  const complete = await completeList(url)
  const ms = performance.now() - at
  await up
  await project.down()
  return { ms, isComplete: complete }
}

function completeList(url) {
  return withClient(url, (client) =>
    until(async () => (await client.tools()).length === ALL_TOOLS, { ms: LONGEST_MS }).catch(() => false),
  )
}

function rowOf(starts) {
  const isComplete = starts.every((start) => start.isComplete)
  return {
    id: 'second-start-list',
    what: `full list after the port opened, servers silent${isComplete ? '' : ' (it did not become complete)'}`,
    value: significant(median(starts.map(({ ms }) => ms))),
    unit: 'ms',
    must: { op: '<=', value: 100 },
    aim: { op: '<=', value: 10 },
    details: { isComplete, ms: starts.map(({ ms }) => significant(ms)) },
  }
}
