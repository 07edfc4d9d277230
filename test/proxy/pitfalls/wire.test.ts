import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { readEvents } from '../../helpers/events.ts'
import { post, rawSession } from '../../helpers/mcp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { wireClient } from '../sessions/wire.ts'
import { ANSWERED, end, inFrontOf, json, scripted } from './scripted.ts'

const call = (args: object = {}) => ({ name: 's_go', arguments: args })
const head = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const message = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

test('protocol version header: each hop has the revision it agreed on', async () => {
  await using server = await scripted()
  await using at = await inFrontOf({ s: server })
  const session = await rawSession(at.url, { protocolVersion: '2025-03-26' })
  expect(session.initialized?.result?.protocolVersion).toBe('2025-03-26')
  // Neither that revision's header nor any at all is anything but what was agreed.
  for (const version of ['2025-03-26', undefined]) {
    const headers = { 'mcp-session-id': session.id, ...(version && { 'mcp-protocol-version': version }) }
    expect((await post(at.url, message('tools/call', call()), headers)).status).toBe(200)
  }
  const versions = server.got.flatMap(({ headers, message: { method } = {} }) =>
    method === 'tools/call' ? [headers['mcp-protocol-version']] : [],
  )
  expect(versions).toEqual(['2025-11-25', '2025-11-25'])
  const first = server.got.find(({ message: { method } = {} }) => method === 'initialize')
  expect(first?.headers['mcp-protocol-version']).toBeUndefined()
})

test.each([
  ['2025-11-25', true],
  ['2025-06-18', false],
  ['2025-03-26', false],
])(
  'protocol version header: a stream for %s begins with an event without data: %s',
  async (protocolVersion, isPrimed) => {
    await using server = await scripted({
      'tools/call': (_message, { event, last }) => {
        event({ method: 'notifications/vendor' })
        last({ content: [] })
        return ANSWERED
      },
    })
    await using at = await inFrontOf({ s: server })
    const { id } = await rawSession(at.url, { protocolVersion })
    const body = message('tools/call', { ...call(), _meta: { progressToken: 1 } })
    const stream = await readEvents(at.url, { method: 'POST', headers: { ...head, 'mcp-session-id': id }, body })
    await stream.over
    expect(stream.events[0]?.data === '').toBe(isPrimed)
    expect(stream.messages.at(-1)).toMatchObject({ id: 1, result: { content: [] } })
  },
)

test('HTTP statuses: a server’s 404 reaches nobody, a deleted session’s own upstream is deleted, 405 is no error', async () => {
  await using server = await scripted({ DELETE: (_message, { response }) => end(response, 405) })
  await using at = await inFrontOf({ s: server }, { session: 'per-client' })
  const session = await rawSession(at.url)
  await session.ask('tools/call', call())
  const headers = { 'mcp-session-id': session.id }
  expect((await fetch(at.url, { method: 'DELETE', headers })).status).toBe(200)
  await waitFor(() => server.got.some(({ verb }) => verb === 'DELETE'))
  expect((await session.send({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(404)
  expect((await post(at.url, message('ping', {}))).status).toBe(400)
})

test('HTTP statuses: 404 on every call is an error of the call, not the end of the session', async () => {
  await using server = await scripted({ 'tools/call': (_message, { response }) => end(response, 404) })
  await using at = await inFrontOf({ s: server })
  const session = await rawSession(at.url)
  const answer = await session.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call() })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain('-31001')
  expect(await session.ask('ping')).toMatchObject([{ result: {} }])
})

test('JSON or stream: an answer alone is JSON, anything before it makes it a stream', async () => {
  await using server = await scripted({
    'tools/call': ({ params }, { event, last }) => {
      const { first } = (params?.arguments ?? {}) as { first?: true }
      if (first) event({ method: 'notifications/vendor' })
      last({ content: [] })
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  const { send } = await rawSession(at.url)
  const typeOf = async (args: object) => {
    const response = await send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call(args) })
    return [response.headers.get('content-type'), await response.text()] as const
  }
  const [alone] = await typeOf({})
  const [streamed, text] = await typeOf({ first: true })
  expect(alone).toBe('application/json')
  expect(streamed).toBe('text/event-stream')
  expect(text).toContain('"content":[]')
})

test('authorization of upstreams: the client’s credentials stay here, and a refusal says so without the server’s words', async () => {
  await using server = await scripted({
    'tools/call': (_message, { response }) => {
      response.setHeader('www-authenticate', 'Bearer resource_metadata="https://elsewhere.test/"')
      return end(response, 401)
    },
  })
  await using at = await inFrontOf({ s: server })
  const { id } = await rawSession(at.url)
  const secret = { authorization: 'Bearer mine', cookie: 'a=b', 'mcp-session-id': id }
  const answer = await post(at.url, message('tools/call', call()), secret)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('www-authenticate')).toBeNull()
  const text = await answer.text()
  expect(JSON.parse(text).error.data.mcpctl).toMatchObject({ upstream: 's', kind: 'auth_required' })
  expect(text).not.toContain('elsewhere')
  const sent = JSON.stringify(server.got.map(({ headers }) => headers))
  for (const own of ['Bearer mine', 'a=b', id]) expect(sent).not.toContain(own)
})

test('tasks: found again by who began them, on the server that has them, unknown to everybody else', async () => {
  const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
  await using server = await scripted(
    {
      'tools/call': () => ({ task: { taskId: 't-1', status: 'working', zz: 1 } }),
      'tasks/get': ({ params }) => ({ taskId: params?.taskId, status: 'completed' }),
      'tasks/result': ({ params }) => ({
        content: [],
        _meta: { 'io.modelcontextprotocol/related-task': { taskId: params?.taskId } },
      }),
      'tasks/list': () => ({ tasks: [{ taskId: 't-1' }, { taskId: 'of-others' }] }),
    },
    { capabilities: { tools: {}, tasks } },
  )
  await using other = await scripted()
  await using at = await inFrontOf({ other, s: server })
  const [mine, theirs] = [await rawSession(at.url), await rawSession(at.url)]
  expect(mine.initialized?.result?.capabilities).toMatchObject({ tasks })
  const [begun] = await mine.ask('tools/call', { ...call(), task: { ttl: 1000 } })
  expect(begun?.result).toEqual({ task: { taskId: 't-1', status: 'working', zz: 1 } })
  expect((await mine.ask('tasks/get', { taskId: 't-1' }))[0]?.result).toMatchObject({ status: 'completed' })
  expect(JSON.stringify(await mine.ask('tasks/result', { taskId: 't-1' }))).toContain('related-task')
  expect((await mine.ask('tasks/list'))[0]?.result?.tasks).toEqual([{ taskId: 't-1' }])
  expect((await theirs.ask('tasks/get', { taskId: 't-1' }))[0]?.error?.code).toBe(-32602)
  expect((await theirs.ask('tasks/list'))[0]?.result?.tasks).toEqual([])
  expect(server.heard('tasks/get')).toHaveLength(1)
})

test('backpressure and limits: a client that reads nothing of its stream holds up nobody else', async () => {
  const data = 'x'.repeat(256 * 1024)
  await using server = await scripted(
    {
      'tools/call': ({ params }, { event, last }) => {
        const { flood = 0 } = (params?.arguments ?? {}) as { flood?: number }
        for (let i = 0; i < flood; i++) event({ method: 'notifications/message', params: { level: 'error', data } })
        last({ content: [], flood })
        return ANSWERED
      },
      'logging/setLevel': () => ({}),
    },
    { capabilities: { tools: {}, logging: {} } },
  )
  await using at = await inFrontOf({ s: server })
  const slow = await rawSession(at.url)
  await slow.ask('logging/setLevel', { level: 'debug' })
  const headers = { ...head, 'mcp-session-id': slow.id }
  const stuck = httpRequest(at.url, { method: 'POST', headers, agent: false })
  stuck.on('response', (response) => response.pause()).on('error', () => {})
  stuck.end(message('tools/call', call({ flood: 200 })))
  await waitFor(() => server.heard('tools/call').length === 1)
  await using quick = await wireClient(at.url)
  for (let i = 0; i < 20; i++) expect((await quick.ask('tools/call', call())).result).toMatchObject({ flood: 0 })
  stuck.destroy()
})

test('backpressure and limits: headers that repeat long arguments fit, connections are kept longer than clients keep them', async () => {
  await using server = await scripted()
  await using at = await inFrontOf({ s: server })
  const { id } = await rawSession(at.url)
  const long = { 'mcp-session-id': id, 'mcp-param-long': 'x'.repeat(12 * 1024) }
  const answer = await post(at.url, message('ping', {}), long)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('keep-alive')).toMatch(/timeout=(7[0-9]|[89][0-9]|\d{3,})/)
  expect((await post(at.url, message('ping', {}), { ...long, 'mcp-param-more': 'x'.repeat(20_000) })).status).toBe(431)
})

test('authorization of upstreams: a server that refuses from the start is shown as such, and calls say what is missing', async () => {
  await using server = await scripted({
    initialize: ({ id }, { response }) => json(response, { id, error: { code: -32001, message: 'no' } }, 401),
  })
  await using at = await inFrontOf({ s: server }, {}, { listWait: 500, isReady: false })
  await waitFor(() => at.proxy.status()?.servers.some(({ state }) => state === 'authRequired'))
  const { url } = at
  const { ask } = await rawSession(url.replace('/mcp', '/servers/s/mcp'))
  const [answer] = await ask('tools/call', { name: 'go' })
  expect(answer?.error).toMatchObject({ data: { mcpctl: { kind: 'auth_required', retryable: false } } })
})

test.each([
  ['as it came', ''],
  ['though it would have to be written anew', ' '],
])('a result nested deeper than anything could write is no end of anything: %s', async (_how, space) => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  await using server = await scripted({
    'tools/call': ({ id, params }, { response }) => {
      const result = params?.arguments === undefined ? '{}' : `{"deep":${deep}}`
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`{${space}"jsonrpc":"2.0","id":${id},"result":${result}}`)
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  const { id } = await rawSession(at.url)
  const headers = { 'mcp-session-id': id }
  const answer = await post(at.url, message('tools/call', call({ arguments: {} })), headers)
  expect(answer.status).toBe(200)
  const text = JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'Internal error' } })
  const whole = `{"jsonrpc":"2.0","id":1,"result":{"deep":${deep}}}`
  // Compared apart: a difference would be printed whole.
  expect((await answer.text()) === (space ? text : whole)).toBe(true)
  expect((await post(at.url, message('tools/call', call()), headers)).status).toBe(200)
})
