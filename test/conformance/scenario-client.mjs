// What the conformance tool starts for each client scenario. Arguments: the way to the server (`direct`, or through a
// proxy in front of it: `group`, `alone`) and the URL of the scenario's mock server.
import { runScenario } from './client.mjs'
import { startProxies } from './proxy.mjs'

const [way, url] = process.argv.slice(2)
if (way === 'direct') await runScenario(url)
else await runBehindProxy()

async function runBehindProxy() {
  const { urls, stop } = await startProxies({ mock: url })
  try {
    await runScenario(urls.mock[way], { isBehindProxy: true })
  } finally {
    await stop()
  }
}
