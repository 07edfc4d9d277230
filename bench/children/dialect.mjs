// How requests of an era are written, and how an answer is told from a wrong one.
const LEGACY = '2025-11-25'
const MODERN = '2026-07-28'
const info = { name: 'load', version: '1.0.0' }
const envelope = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': info,
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** The text of an HTTP request that posts `body` (ASCII). */
export function post(url, body, headers = {}) {
  const { pathname, search, host } = new URL(url)
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return (
    `POST ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
    `accept: application/json, text/event-stream\r\n${fields.join('')}content-length: ${body.length}\r\n\r\n${body}`
  )
}

/** The two messages that open a session of the legacy era. */
export const opening = {
  initialize: JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: info },
  }),
  initialized: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
}

/** The headers of every further request of a session. */
export const sessionHeaders = (session) => ({
  ...(session && { 'mcp-session-id': session }),
  'mcp-protocol-version': LEGACY,
})

/** Ids have seven digits, so that every request of a run is as long as the others. */
export const FIRST_ID = 1_000_000
const ID = '#######'

/** A function from an id to the text of the request; a call's payload begins with the id as its nonce. */
export function createRequests({ url, era, method, tool, payload = 0, session }) {
  const args = { payload: `nonce-${ID}-`.padEnd(payload, 'x') }
  const params = method === 'tools/call' ? { name: tool, arguments: args } : {}
  const whole = era === 'modern' ? { ...params, _meta: envelope } : params
  const body = JSON.stringify({ jsonrpc: '2.0', id: ID, method, params: whole }).replace(`"${ID}"`, ID)
  const parts = post(url, body, era === 'modern' ? modernHeaders(method, tool) : sessionHeaders(session)).split(ID)
  return (id) => parts.join(id)
}

const modernHeaders = (method, tool) => ({
  'mcp-protocol-version': MODERN,
  'mcp-method': method,
  ...(method === 'tools/call' && { 'mcp-name': tool }),
})

/** Every so many answers one is parsed as a whole. */
const SAMPLE = 64

/** What is wrong with the answer to the request with this id, or undefined. */
export function mistakeOf({ head, body }, { id, method }) {
  if (!head.startsWith('HTTP/1.1 200')) return `${head.split('\r\n')[0]}: ${excerptOf(body)}`
  if (id % SAMPLE !== 0 && looksRight(body, { id, method })) return undefined
  return isRight(messageOf(body), { id, method }) ? undefined : `not the answer to ${id}: ${excerptOf(body)}`
}

function looksRight(body, { id, method }) {
  const text = `"id":${id}`
  const at = body.indexOf(text)
  if (at === -1 || isDigit(body[at + text.length]) || !body.includes('"result":')) return false
  return method !== 'tools/call' || body.includes(`nonce-${id}-`)
}

const isDigit = (byte) => byte >= 48 && byte <= 57

function isRight(message, { id, method }) {
  if (message?.id !== id || message.result === undefined || message.result.isError) return false
  if (method !== 'tools/call') return Array.isArray(message.result.tools)
  return message.result.content[0].text.startsWith(`nonce-${id}-`)
}

/** The last message of a body, JSON or an event stream; undefined when there is none. */
function messageOf(body) {
  const text = body.toString()
  const json = text.startsWith('{') ? text : [...text.matchAll(/^data: ?(\{.*)$/gm)].at(-1)?.[1]
  try {
    return JSON.parse(json)
  } catch {
    // What is no JSON is no message.
    return undefined
  }
}

const excerptOf = (body) => body.toString('utf8', 0, 300)
