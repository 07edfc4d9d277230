// How long a proxy takes from its start until it listens.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createProject } from '../mcpctl.mjs'
import { timed } from '../scenario/client.mjs'
import { createLauncher } from '../scenario/launcher.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

export const start = {
  name: 'start',
  title: 'The start of a proxy beside `node -e 0`',
  run: measure,
}

async function measure({ root, quick, own }) {
  const upstream = await own(startUpstream())
  const servers = { one: { url: upstream.url } }
  const project = await own(createProject({ servers, groups: { main: { servers: ['one'] } } }))
  const launcher = await own(createLauncher({ root, project }))
  const nothing = []
  const proxy = []
  await launcher.launch()
  for (let i = 0; i < (quick ? 2 : 15); i++) {
    nothing.push(await timed(nodeDoingNothing))
    proxy.push(await launcher.launch())
  }
  return [rowOf(median(proxy), median(nothing))]
}

function nodeDoingNothing() {
  return once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
}

function rowOf(proxyMs, nothingMs) {
  return {
    id: 'start-listening',
    what: 'a proxy, from its start until it listens / node -e 0',
    value: significant(proxyMs / nothingMs),
    unit: 'x',
    must: { op: '<=', value: 2 },
    aim: { op: '<=', value: 1.4 },
    details: { proxyMs: significant(proxyMs), nothingMs: significant(nothingMs) },
  }
}
