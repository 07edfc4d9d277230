import { createProject } from '../mcpctl.mjs'
import { startUpstream } from '../upstream.mjs'

const GROUP = 'many'

/**
 * One group of `count` servers that one process stands for, each at a path of its own: `upstream`, `project` (not yet up), `server(i)`
 * and `groups(names)`, which are what a profile says of them.
 */
export async function createMany({ own, count, upstream }) {
  const started = upstream ?? (await own(startUpstream()))
  const server = (i) => [`s${i}`, { url: `${started.origin}/s${i}/mcp` }]
  const servers = Object.fromEntries(Array.from({ length: count }, (_, i) => server(i)))
  const project = await own(createProject({ servers, groups: { [GROUP]: { servers: Object.keys(servers) } } }))
  return { upstream: started, project, server, servers, proxy: () => project.proxy(GROUP), group: GROUP }
}
