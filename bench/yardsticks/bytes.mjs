// The yardstick of a reverse proxy: node:http in, an undici Pool out, heads copied, bodies piped and never read.
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { config, ready } from '../children/parent.mjs'
import { freePort } from '../ports.mjs'

const [upstream] = Object.values(config.upstreams).map((url) => new URL(url))
const pool = new Pool(upstream.origin, { connections: 128, pipelining: 1, keepAliveTimeout: 600_000 })
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host'])

const server = createServer(async (request, response) => {
  try {
    const { method } = request
    const body = method === 'POST' ? request : undefined
    const answer = await pool.request({ path: upstream.pathname, method, headers: endToEnd(request.headers), body })
    response.writeHead(answer.statusCode, endToEnd(answer.headers))
    answer.body.pipe(response)
  } catch {
    // The answer is lost either way; whoever asked sees that.
    response.destroy()
  }
})
server.keepAliveTimeout = 0

const endToEnd = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)))

const port = await freePort()
server.listen(port, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${port}/mcp` }))
