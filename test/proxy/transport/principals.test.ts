import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, groupOf, stdioServer } from '../../helpers/group.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'

const mine = { authorization: 'Bearer the-token-of-one-client' }
const others = { authorization: 'Bearer the-token-of-another-one' }
const tokens = [mine, others].map(({ authorization }) => authorization.slice('Bearer '.length))

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const group = groupOf([stdioServer('one', 'echo')], { auth: bearer(...tokens) })
  proxy = await startReadyProxy({ group, socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}
const ping = { jsonrpc: '2.0', id: 2, method: 'ping' }

interface Request {
  readonly method?: string
  readonly headers: Record<string, string>
  readonly body?: unknown
}

function ask(path: string, { method = 'POST', headers, body }: Request): Promise<Response> {
  return fetch(new URL(path, proxy.url), {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function statusOf(path: string, request: Request): Promise<number> {
  const response = await ask(path, request)
  await response.body?.cancel()
  return response.status
}

describe.each(['', '/servers/one'])('under %j', (base) => {
  const routes = [
    ['POST', `${base}/mcp`],
    ['GET', `${base}/mcp`],
    ['DELETE', `${base}/mcp`],
    ['PUT', `${base}/mcp`],
    ['GET', `${base}/sse`],
    ['POST', `${base}/sse`],
    ['POST', `${base}/messages?sessionId=x`],
    ['GET', `${base}/messages`],
  ] as const

  test.each(routes)('%s %s needs a token, and whoever brings one no other Origin', async (method, path) => {
    const body = method === 'POST' ? ping : undefined
    expect(await statusOf(path, { method, headers: {}, body })).toBe(401)
    expect(await statusOf(path, { method, headers: { authorization: 'Bearer x' }, body })).toBe(401)
    expect(await statusOf(path, { method, headers: { ...mine, origin: 'http://evil.example' }, body })).toBe(403)
    expect(await statusOf(path, { method, headers: { ...mine, 'sec-fetch-site': 'cross-site' }, body })).toBe(403)
  })
})

test.each(['/', '/elsewhere', '/mcp/', '//mcp', '/servers/none/mcp', '/servers/%2e%2e/mcp', '/livez/x', '/sse/'])(
  '%s tells nobody without a token whether it is there',
  async (path) => {
    expect(await statusOf(`${proxy.url}${path}`, { method: 'GET', headers: {} })).toBe(401)
  },
)

test('a session is of the token it began with: to another one it is not known', async () => {
  const begun = await ask('/mcp', { headers: mine, body: initialize })
  const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  expect(await statusOf('/mcp', { headers: { ...session, ...others }, body: ping })).toBe(404)
  expect(await statusOf('/mcp', { method: 'GET', headers: { ...session, ...others } })).toBe(404)
  expect(await statusOf('/mcp', { method: 'DELETE', headers: { ...session, ...others } })).toBe(404)
  expect(await statusOf('/mcp', { headers: { ...session, ...mine }, body: ping })).toBe(200)
})

test('over HTTP+SSE, too, only the token that opened the stream may post to it', async () => {
  const stream = await ask('/sse', { method: 'GET', headers: mine })
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  const first = (await reader?.read())?.value ?? ''
  const path = /data: (\S+)/.exec(first)?.[1] ?? ''
  expect(await statusOf(path, { headers: others, body: initialize })).toBe(404)
  expect(await statusOf(path, { headers: mine, body: initialize })).toBe(202)
  await reader?.cancel()
})
