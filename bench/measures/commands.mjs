// What a person waits for at the prompt, beside a Node that does nothing.
import { binFile, startMcpctl } from '../mcpctl.mjs'
import { interleave, sameNode } from '../scenario/commands.mjs'
import { median, significant } from '../stats.mjs'
import { startUpstream } from '../upstream.mjs'

const bounds = {
  version: { must: 1.25, aim: 1.1 },
  status: { must: 2, aim: 1.6 },
  validate: { must: 2, aim: 1.6 },
}

export const commands = {
  name: 'commands',
  title: 'Commands beside `node -e 0`',
  run: measure,
}

async function measure({ quick, say, own }) {
  const upstream = await own(startUpstream())
  const servers = { one: { url: upstream.url } }
  const project = await own(startMcpctl({ servers, groups: { main: { servers: ['one'] } } }))
  const mcpctl = (...args) => ({
    file: binFile,
    args,
    cwd: project.folder,
    env: { ...sameNode, HOME: project.folder, MCPCTL_HOME: project.home },
  })
  const all = {
    nothing: { file: process.execPath, args: ['-e', '0'] },
    version: mcpctl('--version'),
    status: mcpctl('status'),
    validate: mcpctl('validate'),
  }
  say('commands in turns')
  interleave(all, 1)
  const results = interleave(all, quick ? 2 : 15)
  return Object.keys(bounds).map((name) => rowOf(name, results))
}

function rowOf(name, { nothing, [name]: result }) {
  const { must, aim } = bounds[name]
  const wall = median(result.wall)
  return {
    id: `command-${name}`,
    what: `mcpctl ${name === 'version' ? '--version' : name} / node -e 0`,
    value: significant(wall / median(nothing.wall)),
    unit: 'x',
    must: { op: '<=', value: must },
    aim: { op: '<=', value: aim },
    details: {
      wallMs: significant(wall),
      nothingMs: significant(median(nothing.wall)),
      cpuRatio: significant(result.cpu / nothing.cpu),
      cpuMs: significant(result.cpu),
    },
  }
}
