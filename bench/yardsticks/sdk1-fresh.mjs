// The pattern that makes aggregators slow: for every request fresh sessions to the servers, one after the other, and nothing
// is remembered.
import { config } from '../children/parent.mjs'
import { connect, toolsOf } from './sdk-client.mjs'
import { serve } from './sdk-front.mjs'

async function withClient(url, use) {
  const client = await connect(url)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

await serve({
  async list() {
    const lists = []
    for (const [server, url] of Object.entries(config.upstreams))
      lists.push(await withClient(url, (client) => toolsOf(client, server)))
    return lists.flat()
  },
  call({ name, ...params }) {
    const [server, url] = Object.entries(config.upstreams).find(([server]) => name.startsWith(`${server}_`))
    return withClient(url, (client) => client.callTool({ ...params, name: name.slice(server.length + 1) }))
  },
})
