// A synthetic MCP server over Streamable HTTP, any path. Configuration: see ../upstream.mjs.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { freePort } from '../ports.mjs'
import { createAnswers } from '../synthetic.mjs'
import { createCounters } from './counters.mjs'
import { config, ready } from './parent.mjs'

const MODERN = '2026-07-28'
const delayed = {
  initialize: 'initialize',
  'notifications/initialized': 'initialized',
  'tools/list': 'list',
  'tools/call': 'call',
}

let settings = { tools: 12, answer: 'json', eras: ['legacy'], stream: true, delays: {} }
let answers
const counters = createCounters()
const sessions = new Set()
configure(config)

const port = config.port ?? (await freePort())
const server = config.tls
  ? createHttpsServer({ key: readFileSync(config.tls.keyFile), cert: readFileSync(config.tls.certFile) }, receive)
  : createServer(receive)
// Between two rounds of a benchmark many seconds can pass, which must not cost a connection.
server.keepAliveTimeout = 0
server.on('secureConnection', () => counters.handshake())

createTcpServer(accept).listen({ port, host: '127.0.0.1', backlog: 4096 }, () => {
  const origin = `${config.tls ? 'https' : 'http'}://127.0.0.1:${port}`
  ready({ origin, url: `${origin}/mcp`, port }, { counters: counters.read, reset: counters.reset, configure })
})

function configure({ tls, port: _, ...changed }) {
  settings = { ...settings, ...changed }
  answers = createAnswers(settings.tools)
}

/** A connection costs what the network between would: nothing is read from it before its delay is over. */
function accept(socket) {
  counters.connection()
  socket.on('error', () => {})
  later(settings.delays.connect, () => server.emit('connection', socket))
}

function receive(request, response) {
  counters.request(request)
  if (request.method === 'GET') return stream(response)
  if (request.method === 'DELETE') return response.writeHead(200).end()
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => take({ request, response, message: JSON.parse(Buffer.concat(chunks)) }))
}

function stream(response) {
  if (!settings.stream) return response.writeHead(405).end()
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
}

function take({ request, response, message }) {
  counters.message(request.url, message.method)
  later(settings.delays[delayed[message.method] ?? 'other'], () => answer({ request, response, message }))
}

function later(ms, act) {
  if (ms === 'never') return
  if (!ms) return act()
  setTimeout(act, ms)
}

function answer({ request, response, message: { id, method, params } }) {
  if (id === undefined) return response.writeHead(202).end()
  const era = request.headers['mcp-protocol-version'] === MODERN ? 'modern' : 'legacy'
  if (era === 'legacy' && method !== 'initialize' && !sessions.has(request.headers['mcp-session-id']))
    return refuse({ response, id, code: -32600, status: 404 })
  const result = settings.eras.includes(era) && answers[era][method]
  if (!result) return refuse({ response, id, code: -32601, status: era === 'modern' ? 400 : 200 })
  send(response, method, `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result(params)}}`)
}

function refuse({ response, id, code, status }) {
  const body = JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: 'not here' } })
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
}

function send(response, method, text) {
  const head = method === 'initialize' ? { 'mcp-session-id': openSession() } : {}
  if (settings.answer === 'sse')
    return response
      .writeHead(200, { ...head, 'content-type': 'text/event-stream' })
      .end(`event: message\ndata: ${text}\n\n`)
  response
    .writeHead(200, { ...head, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text)
}

function openSession() {
  const id = randomUUID()
  sessions.add(id)
  counters.session()
  return id
}
