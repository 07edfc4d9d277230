// The yardstick of proxies made of the SDK's classes, 1.x: one lasting client for each server, connected in parallel, lists
// from memory.
import { config } from '../children/parent.mjs'
import { connect, toolsOf } from './sdk-client.mjs'
import { serve } from './sdk-front.mjs'

const routes = new Map()
const tools = (await Promise.all(Object.entries(config.upstreams).map(add))).flat()

async function add([server, url]) {
  const client = await connect(url)
  const tools = await toolsOf(client, server)
  for (const { name } of tools) routes.set(name, { client, name: name.slice(server.length + 1) })
  return tools
}

await serve({
  list: () => tools,
  call({ name, ...params }) {
    const route = routes.get(name)
    return route.client.callTool({ ...params, name: route.name })
  },
})
