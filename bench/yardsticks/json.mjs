// The yardstick of an aggregator: node:http in, undici's request out, nothing else. It keeps one session to each server, answers
// lists from memory, and for a call parses, renames, gives an id of its own, parses the answer and gives the id back.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { config, ready } from '../children/parent.mjs'
import { freePort } from '../ports.mjs'

const VERSION = '2025-11-25'
const routes = new Map()
const sessions = new Set()
let lastId = 0

const connected = await Promise.all(Object.entries(config.upstreams).map(connect))
const list = JSON.stringify({ tools: connected.flat() })

async function connect([name, url]) {
  const upstream = createUpstream(new URL(url))
  await upstream.open()
  const { result } = await upstream.ask('tools/list', {})
  return result.tools.map((tool) => {
    const renamed = `${name}_${tool.name}`
    routes.set(renamed, { upstream, name: tool.name })
    return { ...tool, name: renamed }
  })
}

function createUpstream({ origin, pathname }) {
  const pool = new Pool(origin, { connections: 128, pipelining: 1, keepAliveTimeout: 600_000 })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': VERSION,
  }
  const post = (message) =>
    pool.request({ path: pathname, method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) })
  const ask = async (method, params) => read(await post({ id: ++lastId, method, params }))
  return {
    ask,
    async open() {
      const params = { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'json', version: '1' } }
      const answer = await post({ id: ++lastId, method: 'initialize', params })
      headers['mcp-session-id'] = answer.headers['mcp-session-id']
      await answer.body.dump()
      await (await post({ method: 'notifications/initialized' })).body.dump()
    },
  }
}

async function read({ headers, body }) {
  const text = await body.text()
  return JSON.parse(headers['content-type'] === 'text/event-stream' ? text.slice(text.indexOf('{')) : text)
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') return response.writeHead(405).end()
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => void serve(JSON.parse(Buffer.concat(chunks).toString()), { request, response }))
})
server.keepAliveTimeout = 0

async function serve(message, { request, response }) {
  if (message.method === 'initialize') return open(message, response)
  if (!sessions.has(request.headers['mcp-session-id'])) return response.writeHead(404).end()
  if (message.id === undefined) return response.writeHead(202).end()
  if (message.method === 'tools/list')
    return sendText(response, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${list}}`)
  const { upstream, name } = routes.get(message.params.name)
  const answer = await upstream.ask(message.method, { ...message.params, name })
  answer.id = message.id
  send(response, answer)
}

function open({ id }, response) {
  const session = randomUUID()
  sessions.add(session)
  response.setHeader('mcp-session-id', session)
  const result = { protocolVersion: VERSION, capabilities: { tools: {} }, serverInfo: { name: 'json', version: '1' } }
  send(response, { jsonrpc: '2.0', id, result })
}

const send = (response, message) => sendText(response, JSON.stringify(message))

function sendText(response, text) {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

const port = await freePort()
server.listen(port, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${port}/mcp` }))
