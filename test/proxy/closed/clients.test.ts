import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { bearer, groupOf, serverOf, stdioServer } from '../../helpers/group.ts'
import { messages, post, rawSession } from '../../helpers/mcp.ts'
import { requestOf, send } from '../../helpers/modern.ts'
import { holdSocket, newKey, startReadyProxy } from '../../helpers/proxy.ts'
import { rawStatus } from '../../helpers/raw-http.ts'
import { waitFor } from '../../helpers/wait.ts'
import { ANSWERED, inFrontOf, scripted, tool } from '../pitfalls/scripted.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
}
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const MiB = 1024 * 1024

function remote(name: string, url: string, fields: Partial<Server> = {}): Server {
  return serverOf(name, { transport: { kind: 'http', url, headers: {} }, protocol: 'legacy', ...fields })
}

/** Resident memory in bytes. */
function resident(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

test('D-09: of ten thousand sessions that nobody ends, those beyond the limit are refused, and cost nothing', async () => {
  using socket = await holdSocket()
  const group = groupOf([], { limits: { maxSessions: 1000 } })
  await using proxy = await startReadyProxy({ group, socket })
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const begin = () =>
    new Promise<{ status: number; retry: unknown; session: unknown }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: '*/*' }
      const asked = httpRequest(`${proxy.url}/mcp`, { method: 'POST', agent, headers }, (response) => {
        const { statusCode: status = 0, headers: head } = response
        response
          .resume()
          .on('end', () => resolve({ status, retry: head['retry-after'], session: head['mcp-session-id'] }))
      })
      asked.on('error', reject).end(JSON.stringify(initialize))
    })
  const many = async (count: number) => {
    const all = []
    for (let begun = 0; begun < count; begun += 500)
      all.push(...(await Promise.all(Array.from({ length: 500 }, begin))))
    return all
  }
  const first = await many(2000)
  const before = resident(proxy.pid)
  const rest = await many(8000)
  expect(first.filter(({ status }) => status === 200)).toHaveLength(1000)
  expect(new Set(rest.map(({ status, retry }) => `${status} ${retry}`))).toEqual(new Set(['503 30']))
  expect(resident(proxy.pid) - before).toBeLessThan(24 * MiB)
  const kept = String(first.find(({ status }) => status === 200)?.session)
  expect((await post(`${proxy.url}/mcp`, ping, { 'mcp-session-id': kept })).status).toBe(200)
  agent.destroy()
})

test('D-11: a client that resets the connection: a modern call is cancelled at its server, a legacy one goes on', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'all-features')]), socket })
  const alone = `${proxy.url}/servers/one/mcp`
  const session = await rawSession(alone)
  const cancelled = async () => {
    const [answer] = await session.ask('tools/call', { name: 'cancelled' })
    return Number((answer?.result?.content as { text: string }[] | undefined)?.[0]?.text)
  }
  const before = await cancelled()
  const reset = async (body: object, lines: readonly string[]) => {
    const json = JSON.stringify(body)
    const connection = connect(socket.port, socket.host)
    const all = [`Host: ${socket.host}`, 'Content-Type: application/json', 'Accept: */*', ...lines]
    connection.write(
      `POST /servers/one/mcp HTTP/1.1\r\n${all.join('\r\n')}\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
    )
    await once(connection, 'data')
    connection.resetAndDestroy()
  }
  const slow = requestOf('tools/call', { name: 'slow', _meta: { progressToken: 1 } })
  const legacy = {
    jsonrpc: '2.0',
    id: 'slow',
    method: 'tools/call',
    params: { name: 'slow', _meta: { progressToken: 1 } },
  }
  await reset(legacy, [`Mcp-Session-Id: ${session.id}`])
  await reset(slow, ['MCP-Protocol-Version: 2026-07-28', 'Mcp-Method: tools/call', 'Mcp-Name: slow'])
  await waitFor(async () => (await cancelled()) === before + 1)
  await session.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'slow' } })
  await waitFor(async () => (await cancelled()) === before + 2)
})

test('D-13: ids that are unknown, of another principal, of another group, long or doubled look the same', async () => {
  using socket = await holdSocket()
  using other = await holdSocket()
  const sessionKey = newKey()
  const auth = bearer('the-token-of-ada', 'the-token-of-eve')
  await using proxy = await startReadyProxy({ group: groupOf([], { auth }), socket, sessionKey })
  await using second = await startReadyProxy({ group: groupOf([], { auth, name: 'other' }), socket: other, sessionKey })
  const begin = async (url: string, token: string) => {
    const begun = await post(`${url}/mcp`, initialize, { authorization: `Bearer ${token}` })
    return begun.headers.get('mcp-session-id') ?? ''
  }
  const mine = await begin(proxy.url, 'the-token-of-ada')
  const strange = {
    unknown: 'nobody-knows-this',
    'another principal’s': await begin(proxy.url, 'the-token-of-eve'),
    'another group’s': await begin(second.url, 'the-token-of-ada'),
    'of ten kilobytes': 'x'.repeat(10_240),
    cut: mine.slice(0, -1),
    'its own and another one': `${mine}, ${mine}`,
  }
  const seen: string[] = []
  for (const id of Object.values(strange))
    for (const method of ['POST', 'GET', 'DELETE']) {
      const response = await fetch(`${proxy.url}/mcp`, {
        method,
        headers: {
          authorization: 'Bearer the-token-of-ada',
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-session-id': id,
        },
        ...(method === 'POST' ? { body: JSON.stringify(ping) } : {}),
      })
      seen.push(`${response.status} ${await response.text()}`)
    }
  const notFound = '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"}}'
  expect(new Set(seen)).toEqual(new Set([`404 ${notFound}`]))
  const twice = (value: string) =>
    `POST /mcp HTTP/1.1\r\nHost: ${socket.host}\r\nAuthorization: Bearer the-token-of-ada\r\nContent-Type: application/json\r\nAccept: */*\r\n${`Mcp-Session-Id: ${value}\r\n`.repeat(2)}Content-Length: ${JSON.stringify(ping).length}\r\n\r\n${JSON.stringify(ping)}`
  expect(await rawStatus(proxy.url, twice(mine))).toBe(404)
  expect(await rawStatus(proxy.url, twice(''))).toBe(404)
  expect((await post(`${proxy.url}/mcp`, ping, { authorization: 'Bearer the-token-of-ada' })).status).toBe(400)
  expect(
    (await post(`${proxy.url}/mcp`, ping, { authorization: 'Bearer the-token-of-ada', 'mcp-session-id': mine })).status,
  ).toBe(200)
})

test('D-25: what breaks lines in names and mirrored arguments reaches a server as one request, encoded', async () => {
  const region = { type: 'string', 'x-mcp-header': 'Region' }
  const fresh = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' }
  await using server = await scripted({
    'server/discover': () => ({ ...fresh, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
    'tools/list': () => ({
      ...fresh,
      tools: [tool('go', { inputSchema: { type: 'object', properties: { region } } })],
    }),
    'tools/call': () => ({ resultType: 'complete', content: [] }),
  })
  await using at = await inFrontOf({ s: server }, { protocol: 'modern' })
  const alone = at.url.replace('/mcp', '/servers/s/mcp')
  const session = await rawSession(alone)
  const sentinel = (value: string) => `=?base64?${Buffer.from(value).toString('base64')}?=`
  const bad = ['a\r\nX-Evil: 1', 'a\r\n\r\nPOST /mcp HTTP/1.1', 'a\nb', 'ü\u2028', '\u0000', ' a ', '=?base64?YQ==?=']
  for (const [index, value] of bad.entries()) {
    await session.ask('tools/call', { name: 'go', arguments: { region: value } })
    await session.ask('tools/call', { name: value })
    const calls = server.got.filter(({ message }) => message?.method === 'tools/call')
    expect(calls).toHaveLength(2 * (index + 1))
    expect(calls.at(-2)?.headers['mcp-param-region']).toBe(sentinel(value))
    expect(calls.at(-1)?.headers['mcp-name']).toBe(sentinel(value))
    expect(calls.at(-1)?.message?.params?.name).toBe(value)
  }
  expect(server.got.every(({ verb, headers }) => verb === 'POST' && headers['x-evil'] === undefined)).toBe(true)
})

const inModernEra = {
  'server/discover': () => ({
    resultType: 'complete',
    ttlMs: 60_000,
    cacheScope: 'public',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
  }),
  'tools/list': () => ({ resultType: 'complete', ttlMs: 1, cacheScope: 'public', tools: [tool('go')] }),
  'tools/call': () => ({ resultType: 'complete', content: [] }),
}

test('D-28: a client’s token reaches no server, not in heads, bodies or the environment, and no log', async () => {
  const canary = 'canary-4f1c9e7a2b8d6035'
  using socket = await holdSocket()
  await using legacy = await scripted()
  await using modern = await scripted(inModernEra)
  const all = { forwardHeaders: ['authorization', 'cookie', 'x-request-id', 'proxy-authorization', 'mcp-session-id'] }
  const servers = [
    remote('legacy', legacy.url, all),
    remote('modern', modern.url, { ...all, protocol: 'modern' }),
    stdioServer('process', 'echo', all),
  ]
  await using proxy = await startReadyProxy({ group: groupOf(servers, { auth: bearer(canary) }), socket })
  const secret = {
    authorization: `Bearer ${canary}`,
    cookie: `token=${canary}`,
    'proxy-authorization': `Bearer ${canary}`,
    'x-request-id': 'seen',
  }
  const begun = await post(`${proxy.url}/mcp`, initialize, secret)
  const session = { ...secret, 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  const call = async (name: string) => {
    const params = { name, arguments: {} }
    await messages(await send(`${proxy.url}/mcp`, requestOf('tools/call', params), secret))
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
    return JSON.stringify(await messages(await post(`${proxy.url}/mcp`, body, session)))
  }
  const answers = [await call('legacy_go'), await call('modern_go'), await call('process_env')]
  const seen = JSON.stringify([answers, legacy.got, modern.got, proxy.log, proxy.messages])
  expect(seen).not.toContain(canary)
  expect(seen).not.toContain(Buffer.from(canary).toString('base64'))
  expect(answers[2]).toContain('PATH')
  for (const { got } of [legacy, modern])
    expect(got.filter(({ headers }) => headers['x-request-id'] === 'seen')).toHaveLength(2)
})

test.each(['legacy', 'modern'] as const)(
  'of a client’s head, a %s server on HTTP is told what may be told',
  async (era) => {
    using socket = await holdSocket()
    await using server = await scripted(inModernEra)
    const transport = { kind: 'http', url: server.url, headers: { 'X-Tenant': 'ours' } } as const
    const fields = { transport, protocol: era, forwardHeaders: ['x-request-id', 'x-tenant'] }
    await using proxy = await startReadyProxy({ group: groupOf([serverOf('s', fields)]), socket })
    const told = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
      'accept-language': 'de, en;q=0.5',
      'x-request-id': '7',
    }
    const untold = {
      'x-tenant': 'theirs',
      'x-forwarded-for': '10.0.0.1',
      'x-other': '1',
      forwarded: 'for=10.0.0.1',
      te: 'trailers',
      'last-event-id': '1',
      'user-agent': 'me',
      origin: 'http://localhost:1',
    }
    const session = await rawSession(`${proxy.url}/mcp`)
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 's_go' } }
    const asked = httpRequest(`${proxy.url}/mcp`, {
      method: 'POST',
      agent: false,
      headers: { ...told, ...untold, 'content-type': 'application/json', accept: '*/*', 'mcp-session-id': session.id },
    }).end(JSON.stringify(body))
    const [response] = await once(asked, 'response')
    await text(response)
    await messages(await send(`${proxy.url}/mcp`, requestOf('tools/call', { name: 's_go' }), told))
    await messages(await session.send(body))
    const [first, second, third] = server.got.filter(({ message }) => message?.method === 'tools/call')
    expect([first?.headers, second?.headers]).toMatchObject([told, told])
    expect(first?.headers['x-tenant']).toBe('ours')
    for (const name of ['x-forwarded-for', 'x-other', 'forwarded', 'te', 'last-event-id', 'origin'])
      expect(first?.headers[name]).toBeUndefined()
    expect(first?.headers['user-agent']).toMatch(/^mcpctl\//)
    expect(first?.headers['mcp-session-id']).not.toBe(session.id)
    for (const name of Object.keys(told)) expect(third?.headers[name]).toBeUndefined()
  },
)

test('D-31: a reader that stops reading costs no memory: its stream is closed or skips, others go on', async () => {
  const data = 'x'.repeat(256 * 1024)
  await using server = await scripted(
    {
      'tools/call': async ({ params }, { event, last }) => {
        const { flood = 0 } = (params?.arguments ?? {}) as { flood?: number }
        for (let sent = 0; sent < flood; sent++) {
          event({ method: 'notifications/message', params: { level: 'error', data } })
          await new Promise((resolve) => setImmediate(resolve))
        }
        last({ content: [] })
        return ANSWERED
      },
      'logging/setLevel': () => ({}),
    },
    { capabilities: { tools: {}, logging: {} } },
  )
  await using at = await inFrontOf({ s: server })
  const deaf = await rawSession(at.url)
  await deaf.ask('logging/setLevel', { level: 'debug' })
  const headers = { 'content-type': 'application/json', accept: '*/*', 'mcp-session-id': deaf.id }
  const flood = (count: number) => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 's_go', arguments: { flood: count } } }
    return httpRequest(at.url, { method: 'POST', headers, agent: false })
      .on('error', () => {})
      .end(JSON.stringify(body))
  }
  const warm = flood(100).on('response', (response) => response.resume())
  await once(warm, 'close')
  const before = resident(at.proxy.pid)
  const stuck = flood(600).on('response', (response) => response.pause())
  let most = 0
  await waitFor(() => {
    most = Math.max(most, resident(at.proxy.pid))
    return server.heard('tools/call').length === 2
  })
  const quick = await rawSession(at.url)
  for (let asked = 0; asked < 20; asked++) {
    expect((await quick.ask('tools/call', { name: 's_go' }))[0]?.result).toEqual({ content: [] })
    most = Math.max(most, resident(at.proxy.pid))
  }
  // Unread, a hundred and fifty mebibytes would have piled up.
  expect(most - before).toBeLessThan(75 * MiB)
  stuck.destroy()
})

test('D-34: what is private to one principal is asked for by each, and lists say so', async () => {
  using socket = await holdSocket()
  let reads = 0
  const fresh = { resultType: 'complete', ttlMs: 60_000 }
  await using server = await scripted({
    'server/discover': () => ({
      ...fresh,
      cacheScope: 'public',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {}, resources: {} },
    }),
    'tools/list': () => ({ ...fresh, cacheScope: 'public', tools: [tool('go')] }),
    'resources/list': () => ({ ...fresh, cacheScope: 'private', resources: [{ uri: 'a:1', name: 'one' }] }),
    'resources/templates/list': () => ({ ...fresh, cacheScope: 'public', resourceTemplates: [] }),
    'resources/read': () => ({ ...fresh, cacheScope: 'private', contents: [{ uri: 'a:1', text: `read ${++reads}` }] }),
  })
  const tokens = ['the-token-of-ada', 'the-token-of-eve']
  const servers = [remote('s', server.url, { protocol: 'modern' })]
  await using proxy = await startReadyProxy({ group: groupOf(servers, { auth: bearer(...tokens) }), socket })
  const ask = async (token: string | undefined, url: string, method: string, params = {}) => {
    const shown = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return (await messages(await send(`${url}/mcp`, requestOf(method, params), shown)))[0]?.result
  }
  const texts = []
  for (const token of [...tokens, ...tokens]) texts.push(await ask(token, proxy.url, 'resources/read', { uri: 'a:1' }))
  expect(texts.map((result) => (result?.contents as { text: string }[] | undefined)?.[0]?.text)).toEqual(
    [1, 2, 3, 4].map((at) => `read ${at}`),
  )
  for (const token of tokens)
    for (const method of ['tools/list', 'resources/list'])
      expect(await ask(token, proxy.url, method)).toMatchObject({ cacheScope: 'private' })
  using open = await holdSocket()
  await using everybody = await startReadyProxy({ group: groupOf(servers), socket: open })
  expect(await ask(undefined, everybody.url, 'tools/list')).toMatchObject({ cacheScope: 'public' })
  expect(await ask(undefined, everybody.url, 'resources/list')).toMatchObject({ cacheScope: 'private' })
})
