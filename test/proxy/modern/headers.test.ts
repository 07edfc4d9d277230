import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { post } from '../../helpers/mcp.ts'
import { envelopeOf, headOf, requestOf, send, VERSION } from '../../helpers/modern.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'mirrored', { prefix: '' })]), socket })
  url = `${proxy.url}/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const version = 'io.modelcontextprotocol/protocolVersion'
const capabilities = 'io.modelcontextprotocol/clientCapabilities'
const call = (args: Record<string, unknown> = {}) => requestOf('tools/call', { name: 'query', arguments: args })
/** A faultless head without the fields that are left out. */
const without = (request: ReturnType<typeof requestOf>, ...fields: string[]) =>
  Object.fromEntries(Object.entries(headOf(request)).filter(([field]) => !fields.includes(field)))

test.each([
  ['the version is missing', ['mcp-protocol-version'], {}],
  ['the version is another one', [], { 'mcp-protocol-version': '2025-11-25' }],
  ['the method is missing', ['mcp-method'], {}],
  ['the method is another one', [], { 'mcp-method': 'tools/list' }],
  ['the method is in another case', [], { 'mcp-method': 'Tools/Call' }],
  ['the name is missing', ['mcp-name'], {}],
  ['the name is another one', [], { 'mcp-name': 'other' }],
  ['the name is broken', [], { 'mcp-name': '=?base64?###?=' }],
])('D-14: a request is refused when in its head %s', async (_what, removed, added) => {
  const response = await post(url, call(), { ...without(call(), ...removed), ...added })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ id: 1, error: { code: -32020 } })
})

test('D-14: a name may be encoded, and stand between spaces', async () => {
  for (const name of ['=?base64?cXVlcnk=?=', '  query\t'])
    expect((await send(url, call(), { 'mcp-name': name })).status).toBe(200)
})

test.each([
  ['an unknown revision', { [version]: '2099-01-01' }, -32022],
  ['no capabilities', { [capabilities]: undefined }, -32602],
  ['capabilities that are no object', { [capabilities]: [] }, -32602],
  ['a capability that is no object', { [capabilities]: { sampling: true } }, -32602],
  ['a client without version', { 'io.modelcontextprotocol/clientInfo': { name: 'x' } }, -32602],
  ['a log level nobody knows', { 'io.modelcontextprotocol/logLevel': 'loud' }, -32602],
  ['a version that is no text', { [version]: 20260728 }, -32602],
])('D-14: an envelope with %s is refused', async (_what, fields, code) => {
  const request = requestOf('tools/list', { _meta: fields })
  const named = Object.hasOwn(fields, version) ? String(fields[version as never]) : VERSION
  const response = await send(url, request, { 'mcp-protocol-version': named === '20260728' ? VERSION : named })
  expect(response.status).toBe(400)
  const data = code === -32022 ? { data: { supported: [VERSION], requested: '2099-01-01' } } : {}
  expect(await response.json()).toMatchObject({ id: 1, error: { code, ...data } })
})

test('D-14: initialize with a modern header, and a modern header without an envelope, are of no era', async () => {
  const headers = { 'mcp-protocol-version': VERSION }
  const initialize = await post(url, { jsonrpc: '2.0', id: 2, method: 'initialize', params: {} }, headers)
  expect(initialize.status).toBe(400)
  expect(await initialize.json()).toMatchObject({ id: 2, error: { code: -32020 } })
  const bare = await post(url, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, headers)
  expect(bare.status).toBe(400)
  expect(await bare.json()).toMatchObject({ id: 2, error: { code: -32602 } })
})

test.each(['GET', 'DELETE'])('%s is not of this era', async (method) => {
  const headers = { accept: 'text/event-stream', 'mcp-protocol-version': VERSION, 'mcp-session-id': 'x' }
  const response = await fetch(url, { method, headers })
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
})

test('a session id and the id of a last event mean nothing and are not echoed', async () => {
  const response = await send(url, requestOf('tools/list'), { 'mcp-session-id': 'x', 'last-event-id': '1' })
  expect([response.status, response.headers.get('mcp-session-id')]).toEqual([200, null])
})

test('a notification is taken, unless its head contradicts it', async () => {
  const note = { jsonrpc: '2.0', method: 'notifications/x', params: { _meta: envelopeOf() } }
  const taken = await post(url, note, { 'mcp-protocol-version': VERSION, 'mcp-method': 'notifications/x' })
  expect([taken.status, await taken.text()]).toEqual([202, ''])
  expect((await post(url, note, { 'mcp-method': 'notifications/y' })).status).toBe(400)
  expect((await post(url, note, { 'mcp-protocol-version': '2025-11-25' })).status).toBe(400)
})

test('what is no message is refused', async () => {
  const head = { 'mcp-protocol-version': VERSION }
  for (const body of [
    { jsonrpc: '1.0', id: 1, method: 'tools/list' },
    { jsonrpc: '2.0', id: null, method: 'x' },
  ])
    expect((await post(url, body, head)).status).toBe(400)
})

test.each([
  ['nothing to repeat', {}, {}],
  ['what is absent or null is not expected', { region: null, nested: {} }, {}],
  ['text', { region: 'eu' }, { 'mcp-param-region': 'eu' }],
  ['text in its encoded form', { region: 'ü' }, { 'mcp-param-region': '=?base64?w7w=?=' }],
  ['empty text', { region: '' }, { 'mcp-param-region': '' }],
  ['an integer', { count: 42 }, { 'mcp-param-count': '42' }],
  ['an integer of the same value', { count: 42 }, { 'mcp-param-count': '42.0' }],
  ['a boolean', { nested: { dry: true } }, { 'mcp-param-dry': 'true' }],
  ['a field nobody declares', {}, { 'mcp-param-unknown': 'kept' }],
])('D-14: arguments and head agree: %s', async (_what, args, headers) => {
  const response = await send(url, call(args), headers)
  expect(response.status).toBe(200)
  expect(await response.json()).toHaveProperty('result')
})

test.each([
  ['a value is not repeated', { region: 'eu' }, {}],
  ['another value', { region: 'eu' }, { 'mcp-param-region': 'us' }],
  ['another case', { region: 'eu' }, { 'mcp-param-region': 'EU' }],
  ['another number', { count: 42 }, { 'mcp-param-count': '43' }],
  ['no number', { count: 42 }, { 'mcp-param-count': '0x2a' }],
  ['another truth', { nested: { dry: true } }, { 'mcp-param-dry': 'false' }],
  ['a broken form', { region: 'eu' }, { 'mcp-param-region': '=?base64?###?=' }],
])('D-14: arguments and head disagree: %s', async (_what, args, headers) => {
  const response = await send(url, call(args), headers)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ id: 1, error: { code: -32020 } })
})
