import { startMcpctl } from './mcpctl.mjs'
import { startYardstick } from './yardsticks.mjs'

/**
 * Starts what is measured side by side in front of one upstream, in the order of `names`: `direct` (the upstream itself), a
 * yardstick's name, or `mcpctl`. Each is `{ name, url, pid, cpu, rss, tool }` with the name that `echo` has there. `own` takes what must
 * be stopped.
 */
export async function startContenders(names, { upstream, own }) {
  const contenders = []
  for (const name of names) contenders.push(await startContender(name, { upstream, own }))
  return contenders
}

async function startContender(name, { upstream, own }) {
  if (name === 'direct') return { ...upstream, name, tool: 'echo' }
  const tool = name === 'bytes' ? 'echo' : 'up_echo'
  if (name !== 'mcpctl') return { ...(await own(startYardstick(name, { up: upstream.url }))), tool }
  const project = await own(
    startMcpctl({ servers: { up: { url: upstream.url } }, groups: { all: { servers: ['up'] } } }),
  )
  return { ...(await project.proxy('all')), name, tool }
}
