// What the conformance tool starts for each client scenario. Arguments: the way to the server (`direct`, or through a
// proxy in front of it: `group`, `alone`) and the URL of the scenario's mock server. Scenarios about authorization are
// answered at once: they are measured elsewhere.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { here } from './paths.mjs'
import { startProxies } from './proxy.mjs'

const [way, url] = process.argv.slice(2)
if (!process.env.MCP_CONFORMANCE_SCENARIO.startsWith('auth/')) process.exitCode = await run()

async function run() {
  if (way === 'direct') return runClient([url])
  const { urls, stop } = await startProxies({ mock: url })
  try {
    return await runClient([urls.mock[way], '--behind-proxy'])
  } finally {
    await stop()
  }
}

async function runClient(args) {
  const child = spawn(process.execPath, [here('client.mjs'), ...args], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return code ?? 1
}
