import { Agent, request as httpRequest } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'

/** A legacy MCP client that costs next to nothing: one session, kept connections, answers as JSON or as events. */
export class Client {
  #url
  #agent
  #send
  #session
  #id = 0

  constructor(url, { connections = Number.POSITIVE_INFINITY, ca } = {}) {
    this.#url = new URL(url)
    const isTls = this.#url.protocol === 'https:'
    this.#send = isTls ? httpsRequest : httpRequest
    this.#agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: connections, ca })
  }

  async open() {
    await this.ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    })
    await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' })
    return this
  }

  /** The answer as a JSON-RPC response. */
  async ask(method, params = {}) {
    const { status, body, type, session } = await this.#post({ jsonrpc: '2.0', id: ++this.#id, method, params })
    if (session) this.#session = session
    if (status !== 200) throw new Error(`${method}: HTTP ${status} ${body.slice(0, 200)}`)
    return JSON.parse(type.startsWith('text/event-stream') ? lastEvent(body) : body)
  }

  async tools() {
    return (await this.ask('tools/list')).result.tools
  }

  /** Rejects when the answer is an error. */
  async call(name, args = { query: 'x' }) {
    const answer = await this.ask('tools/call', { name, arguments: args })
    if (answer.error) throw new Error(`${name}: ${answer.error.message}`)
    return answer.result
  }

  /** Opens the stream beside the requests; resolves once its head is here. */
  listen() {
    return new Promise((resolve, reject) => {
      const request = this.#send(this.#url, {
        agent: this.#agent,
        headers: this.#headers({ accept: 'text/event-stream' }),
      })
      request.once('error', reject)
      request.once('response', (response) => {
        response.resume().on('error', () => {})
        if (response.statusCode === 200) resolve()
        else reject(new Error(`GET: HTTP ${response.statusCode}`))
      })
      request.end()
    })
  }

  /** Closes the connections that nothing is in flight on; the session stays. */
  release() {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets) socket.destroy()
  }

  stop() {
    this.#agent.destroy()
  }

  #headers(more) {
    const session = this.#session ? { 'mcp-session-id': this.#session, 'mcp-protocol-version': '2025-11-25' } : {}
    return { ...session, ...more }
  }

  #post(message) {
    const body = JSON.stringify(message)
    const headers = this.#headers({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': Buffer.byteLength(body),
    })
    return new Promise((resolve, reject) => {
      const request = this.#send(this.#url, { agent: this.#agent, method: 'POST', headers })
      request.once('error', reject)
      request.once('response', (response) => read(response).then(resolve, reject))
      request.end(body)
    })
  }
}

async function read(response) {
  const chunks = []
  for await (const chunk of response) chunks.push(chunk)
  const { statusCode, headers } = response
  return {
    status: statusCode,
    body: Buffer.concat(chunks).toString(),
    type: headers['content-type'] ?? '',
    session: headers['mcp-session-id'],
  }
}

function lastEvent(body) {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .at(-1)
    .slice(6)
}

/** Runs `act(client)` with an open session. */
export async function withClient(url, act, options) {
  const client = new Client(url, options)
  try {
    return await act(await client.open())
  } finally {
    client.stop()
  }
}

/** How long `act` takes, in milliseconds. */
export async function timed(act) {
  const start = performance.now()
  await act()
  return performance.now() - start
}

/** A new session and a list, as somebody who comes for the first time: `{ms, tools}`. */
export async function freshList(url, options) {
  const start = performance.now()
  const tools = await withClient(url, (client) => client.tools(), options)
  return { ms: performance.now() - start, tools }
}
