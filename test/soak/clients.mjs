// Many clients in one process: opens sessions with a stream each and holds them. Arguments: URL, how many, `stream` or
// `session`. Prints `open {"sessions","failed"}` once all are, `over {"dropped"}` when its stdin ends; a line `again` on
// stdin makes every client ask once (on its session) and prints `again {"failed","ms"}`.
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'

const [, , url, many, kind] = process.argv
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const AT_ONCE = 32
const ids = []
let failed = 0
let dropped = 0
let isOver = false

const body = (method, params) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
const initialize = body('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'many', version: '1' },
})

/** One exchange; resolves with the response, its text read. */
function ask(text, id) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent, headers: { ...headers, ...(id && { 'mcp-session-id': id }) } })
    asked.on('error', reject).on('response', (response) => {
      let said = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        said += chunk
      })
      response
        .on('error', reject)
        .on('end', () => resolve({ status: response.statusCode, headers: response.headers, said }))
    })
    asked.end(text)
  })
}

/** Resolves when the stream stands. */
function listen(id) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers: { accept: 'text/event-stream', 'mcp-session-id': id } })
    asked.on('error', reject).on('response', (response) => {
      response.resume().on('error', () => {})
      response.on('close', () => {
        if (!isOver) dropped++
      })
      response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`))
    })
    asked.end()
  })
}

async function open() {
  try {
    const { headers, status } = await ask(initialize)
    if (status !== 200) throw new Error(`HTTP ${status}`)
    const id = headers['mcp-session-id']
    if (kind === 'stream') await listen(id)
    ids.push(id)
  } catch {
    failed++
  }
}

/** Each of them, so many at a time. */
async function each(items, act) {
  const left = [...items]
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await act(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** Until it succeeds, as a client would. */
async function again(id) {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await ask(body('ping'), id).catch(() => undefined)
    if (answer?.status === 200) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

await each(
  Array.from({ length: Number(many) }, (_, index) => index),
  open,
)
console.log(`open ${JSON.stringify({ sessions: ids.length, failed })}`)

const lines = createInterface({ input: process.stdin })
for await (const _line of lines) {
  const began = performance.now()
  let lost = 0
  await each(ids, async (id) => {
    if (!(await again(id))) lost++
  })
  console.log(`again ${JSON.stringify({ failed: lost, ms: performance.now() - began })}`)
}
isOver = true
console.log(`over ${JSON.stringify({ dropped })}`)
process.exit(0)
