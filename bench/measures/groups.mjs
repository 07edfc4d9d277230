// Many groups at once: each is a process, and what they cost beyond bare ones is ours.
import { createProject } from '../mcpctl.mjs'
import { startChild } from '../processes.mjs'
import { timed } from '../scenario/client.mjs'
import { forget } from '../scenario/project.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

export const groups = {
  name: 'groups',
  title: 'Twenty groups beside twenty bare Node processes',
  run: measure,
}

async function measure({ quick, rounds, say, own }) {
  const count = quick ? 3 : 20
  const upstream = await own(startUpstream())
  const names = Array.from({ length: count }, (_, i) => `g${i}`)
  const project = await own(
    createProject({
      servers: { one: { url: upstream.url } },
      groups: Object.fromEntries(names.map((name) => [name, { servers: ['one'] }])),
    }),
  )
  const bare = []
  const up = []
  for (let round = 1; round <= Math.min(rounds, 3); round++) {
    say(`round ${round}`)
    bare.push(await startBare(count))
    up.push(await timed(() => project.up()))
    await project.down()
    await forget(project)
  }
  return [rowOf({ count, up: median(up), bare: median(bare) })]
}

/** Bare `node:http` processes, all at once, until the last one listens. */
async function startBare(count) {
  let children = []
  const ms = await timed(async () => {
    children = await Promise.all(Array.from({ length: count }, () => startChild('children/bare.mjs')))
  })
  await Promise.all(children.map((child) => child.stop()))
  return ms
}

function rowOf({ count, up, bare }) {
  return {
    id: 'groups-up',
    what: `${count} groups, from \`mcpctl up\` until ready / ${count} bare node:http processes`,
    value: significant(up / bare),
    unit: 'x',
    must: { op: '<=', value: 2 },
    aim: { op: '<=', value: 1.5 },
    details: { upMs: significant(up), bareMs: significant(bare) },
  }
}
