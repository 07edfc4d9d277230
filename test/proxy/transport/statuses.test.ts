import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFixture } from '../../helpers/fixture.ts'
import { groupOf, serverOf, stdioServer } from '../../helpers/group.ts'
import { messages, rawSession } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string

beforeAll(async () => {
  socket = await holdSocket()
  const limits = { maxBody: 1000, maxSessions: 1000 }
  proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')], { limits }), socket })
  url = `${proxy.url}/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

interface Row {
  readonly method: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly path?: string
  /** Ids are those of a session, `gone` of a deleted one; else as they are. */
  readonly session?: 'known' | 'gone' | 'busy' | string
}

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
const response = { jsonrpc: '2.0', id: 1, result: {} }
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const events = { accept: 'text/event-stream' }
const post = (body: unknown, more: Partial<Row> = {}): Row => ({ method: 'POST', headers: json, body, ...more })

const rows: [what: string, row: Row, status: number][] = [
  ['a request', post(ping, { session: 'known' }), 200],
  ['a notification', post(notification, { session: 'known' }), 202],
  ['a response', post(response, { session: 'known' }), 202],
  ['a request without a session', post(ping), 400],
  ['a request of an unknown session', post(ping, { session: 'nope' }), 404],
  ['a request of a deleted session', post(ping, { session: 'gone' }), 404],
  ['a request at another address', post(ping, { session: 'known', path: '/servers/one/mcp' }), 404],
  ['a request to no server', post(ping, { session: 'known', path: '/servers/none/mcp' }), 404],
  ['an unknown path', post(ping, { session: 'known', path: '/elsewhere' }), 404],
  ['an answer only as JSON', post(ping, { session: 'known', headers: { ...json, accept: 'application/json' } }), 406],
  ['an answer only as events', post(ping, { session: 'known', headers: { ...json, ...events } }), 406],
  ['a body of another type', post(ping, { session: 'known', headers: { ...json, 'content-type': 'text/plain' } }), 415],
  ['a body over the limit', post({ ...ping, params: { x: 'x'.repeat(1000) } }, { session: 'known' }), 413],
  ['no JSON', post('{', { session: 'known' }), 400],
  ['no message', post({ id: 1 }, { session: 'known' }), 400],
  ['an id that is null', post({ ...ping, id: null }, { session: 'known' }), 400],
  ['an id too large for a number', post('{"jsonrpc":"2.0","id":1e400,"method":"ping"}', { session: 'known' }), 400],
  ['an unknown revision', post(ping, { session: 'known', headers: { ...json, 'mcp-protocol-version': '1' } }), 400],
  ['a stream', { method: 'GET', headers: events, session: 'known' }, 200],
  ['a second stream', { method: 'GET', headers: events, session: 'busy' }, 409],
  ['a stream not accepted', { method: 'GET', headers: { accept: 'text/html' }, session: 'known' }, 406],
  ['a stream without a session', { method: 'GET', headers: events }, 400],
  ['a stream of an unknown session', { method: 'GET', headers: events, session: 'nope' }, 404],
  ['a session', { method: 'DELETE', session: 'known' }, 200],
  ['a deleted session', { method: 'DELETE', session: 'gone' }, 404],
  ['no session', { method: 'DELETE' }, 400],
  ['anything', { method: 'PUT', session: 'known' }, 405],
  ['anything', { method: 'PATCH' }, 405],
]

test.each(rows)('%s: %o is answered with %i', async (_what, row, status) => {
  const { method, headers = {}, body, path = '/mcp', session } = row
  const controller = new AbortController()
  const given = await sessionOf(session, controller.signal)
  const answer = await fetch(`${proxy.url}${path}`, {
    method,
    signal: controller.signal,
    headers: { ...headers, ...(given === undefined ? {} : { 'mcp-session-id': given }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  expect(answer.status).toBe(status)
  if (status === 202) expect(await answer.text()).toBe('')
  if (status === 405) expect(answer.headers.get('allow')).toBe('POST, GET, DELETE')
  if (status >= 400) expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } })
  controller.abort()
})

async function sessionOf(kind: Row['session'], signal: AbortSignal): Promise<string | undefined> {
  if (kind !== 'known' && kind !== 'gone' && kind !== 'busy') return kind
  const { id } = await rawSession(url)
  const headers = { 'mcp-session-id': id }
  if (kind === 'gone') await fetch(url, { method: 'DELETE', headers })
  if (kind === 'busy') await fetch(url, { headers: { ...headers, ...events }, signal })
  return id
}

test.each([400, 401, 403, 404, 405, 422, 500, 503])(
  'a status of a server, %i, is never the status of the answer',
  async (status) => {
    await using server = await startFixture('replies')
    using own = await holdSocket()
    const remote = serverOf('far', {
      transport: { kind: 'http', url: server.address, headers: {} },
      retry: { attempts: 0, backoff: 1 },
    })
    await using through = await startReadyProxy({ group: groupOf([remote]), socket: own })
    const session = await rawSession(`${through.url}/mcp`)
    const params = { name: 'far_reply', arguments: { status } }
    const answer = await session.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    expect(answer.status).toBe(200)
    expect(await messages(answer)).toMatchObject([{ id: 1 }])
  },
)
