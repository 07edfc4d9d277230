import { expect, test } from 'vitest'
import { offerOf } from '../../../src/proxy/catalog/offer.ts'
import { bareView, mergedView, type View } from '../../../src/proxy/catalog/view.ts'
import { type Asked, type Learned, route as routeOf } from '../../../src/proxy/relay/router.ts'
import type { Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

function route(view: View, asked: Omit<Asked, 'era'>, learned: Learned) {
  return routeOf(view, { ...asked, era: 'legacy' }, learned)
}

function listing(fields: Partial<Listing> = {}): Listing {
  const empty = { tools: [], resources: [], templates: [], prompts: [] }
  const about = {
    era: 'legacy' as const,
    frames: bareFrames,
    protocolVersion: '2025-11-25',
    serverInfo: {},
    capabilities: { resources: {} },
    instructions: undefined,
  }
  return { ...about, ...empty, ...fields }
}

const filter = serverOf('x').tools
const files = offerOf(
  serverOf('files', {
    tools: { ...filter, deny: ['delete'] },
    resources: { ...filter, deny: ['file:///etc/**'] },
  }),
  listing({
    tools: [{ name: 'read' }, { name: 'delete' }],
    prompts: [{ name: 'sum' }],
    resources: [{ uri: 'file:///a' }, { uri: 'same://x' }],
    templates: [{ uriTemplate: 'file:///{path}' }],
  }),
)
const notes = offerOf(serverOf('notes'), listing({ resources: [{ uri: 'same://x' }] }))
const tools = offerOf(serverOf('tools'), listing({ capabilities: { tools: {} } }))
const merged = mergedView([files, notes, tools])
const bare = bareView(files)
const nothing = () => undefined

const invalid = (message: string) => ({ to: 'refuse', code: -32602, message })
const missing = (uri: string) => ({
  to: 'refuse',
  code: -32002,
  message: `Resource not found: ${uri}`,
  data: { uri },
})
const upstream = (server: string, params: unknown) => ({ to: 'upstream', server, params })

test.each([
  ['ping', {}, { to: 'pong' }],
  ['tools/list', {}, { to: 'list', kind: 'tools' }],
  ['tools/list', undefined, { to: 'list', kind: 'tools' }],
  ['tools/list', { cursor: 'x' }, invalid('Invalid cursor')],
  ['resources/templates/list', {}, { to: 'list', kind: 'templates' }],
  ['tools/call', { name: 'files_read', x: 1 }, upstream('files', { name: 'read', x: 1 })],
  ['tools/call', { name: 'read' }, invalid('Unknown tool: read')],
  ['tools/call', { name: 'files_delete' }, invalid('Unknown tool: files_delete')],
  ['tools/call', {}, invalid('params.name must be a string')],
  ['prompts/get', { name: 'files_sum' }, upstream('files', { name: 'sum' })],
  ['prompts/get', { name: 'nope' }, invalid('Unknown prompt: nope')],
  ['resources/read', { uri: 'file:///a' }, upstream('files', { uri: 'file:///a' })],
  ['resources/read', { uri: 'file:///b' }, upstream('files', { uri: 'file:///b' })],
  ['resources/read', { uri: 'same://x' }, upstream('files', { uri: 'same://x' })],
  ['resources/read', { uri: 'same://mcpctl.notes/x' }, upstream('notes', { uri: 'same://x' })],
  ['resources/read', { uri: 'learned://1' }, upstream('notes', { uri: 'learned://1' })],
  ['resources/read', { uri: 'odd://1' }, { to: 'anyOf', servers: ['files', 'notes'], params: { uri: 'odd://1' } }],
  ['resources/read', { uri: 'file:///etc/a' }, upstream('notes', { uri: 'file:///etc/a' })],
  ['resources/read', { uri: 'file://mcpctl.files//etc/a' }, { to: 'anyOf' }],
  ['resources/read', {}, invalid('params.uri must be a string')],
  ['resources/subscribe', { uri: 'file:///a' }, { to: 'subscribe', target: { server: 'files', own: 'file:///a' } }],
  ['completion/complete', { ref: { name: 'files_sum' }, x: 1 }, upstream('files', { ref: { name: 'sum' }, x: 1 })],
  ['completion/complete', { ref: { uri: 'file:///{path}' } }, upstream('files', { ref: { uri: 'file:///{path}' } })],
  ['resources/subscribe', { uri: 'odd://1' }, missing('odd://1')],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'file:///{path}', name: 'x' } },
    upstream('files', { ref: { type: 'ref/resource', uri: 'file:///{path}', name: 'x' } }),
  ],
  ['completion/complete', { ref: { uri: 'odd://{x}' } }, missing('odd://{x}')],
  ['completion/complete', { ref: { name: 'nope' } }, invalid('Unknown prompt: nope')],
  ['completion/complete', {}, invalid('params.ref must be an object')],
  ['logging/setLevel', { level: 'warning' }, { to: 'level', level: 'warning' }],
  ['logging/setLevel', { level: 'loud' }, invalid('Invalid log level: loud')],
  ['toString', {}, { to: 'refuse', code: -32601, message: 'Method not found' }],
  ['tasks/get', {}, { to: 'refuse', code: -32601, message: 'Method not found' }],
])('on the group: %s %j', (method, params, expected) => {
  const learned = (uri: string) => (uri === 'learned://1' ? 'notes' : undefined)
  expect(route(merged, { method, params }, learned)).toMatchObject(expected)
})

test.each([
  ['tools/call', { name: 'read' }, upstream('files', { name: 'read' })],
  ['tools/call', { name: 'hidden_but_there' }, upstream('files', { name: 'hidden_but_there' })],
  ['tools/call', { name: 'delete' }, invalid('Unknown tool: delete')],
  ['prompts/get', { name: 'unlisted' }, upstream('files', { name: 'unlisted' })],
  ['resources/read', { uri: 'odd://1' }, upstream('files', { uri: 'odd://1' })],
  ['resources/read', { uri: 'file:///etc/passwd' }, missing('file:///etc/passwd')],
  ['vendor/method', { a: 1 }, upstream('files', { a: 1 })],
  ['vendor/method', undefined, upstream('files', undefined)],
])('on a server’s own address: %s %j', (method, params, expected) => {
  expect(route(bare, { method, params }, nothing)).toEqual(expected)
})

test('params that need no change are passed on as the very same object', () => {
  const params = { name: 'read', arguments: {} }
  const decided = route(bare, { method: 'tools/call', params }, nothing)
  expect(decided.to === 'upstream' && decided.params).toBe(params)
})

test('a session is not initialized twice, which would begin the server’s shared one anew', () => {
  for (const view of [merged, bare])
    expect(route(view, { method: 'initialize', params: {} }, () => undefined)).toMatchObject({
      to: 'refuse',
      code: -32600,
    })
})

const modern = (view: View, method: string, params?: Record<string, unknown>) =>
  routeOf(view, { method, params, era: 'modern' }, nothing)
const absent = { to: 'refuse', code: -32601, message: 'Method not found' }

test.each([
  ['initialize', {}],
  ['ping', undefined],
  ['logging/setLevel', { level: 'info' }],
  ['resources/subscribe', { uri: 'file:///a' }],
  ['resources/unsubscribe', { uri: 'file:///a' }],
  ['tasks/list', {}],
  ['tasks/result', { taskId: 't' }],
])('the modern era has no %s, wherever it is asked', (method, params) => {
  for (const view of [merged, bare]) expect(modern(view, method, params)).toEqual(absent)
})

test('the modern era discovers, and asks of a task where it was begun', () => {
  for (const view of [merged, bare]) expect(modern(view, 'server/discover')).toEqual({ to: 'discover' })
  expect(modern(merged, 'tasks/get', { taskId: 't' })).toMatchObject({ to: 'task', id: 't' })
  expect(modern(merged, 'tasks/update', {})).toEqual(invalid('params.taskId must be a string'))
  expect(modern(bare, 'tasks/cancel', { taskId: 't' })).toEqual(upstream('files', { taskId: 't' }))
})

test('a resource that is not there is a matter of parameters in the modern era', () => {
  expect(modern(bare, 'resources/read', { uri: 'file:///etc/passwd' })).toMatchObject({ to: 'refuse', code: -32602 })
})

test('answers to several rounds go to the server as they are', () => {
  const params = { name: 'read', inputResponses: { a: { x: 1 } }, requestState: 'opaque', arguments: {} }
  const decided = modern(bare, 'tools/call', params)
  expect(decided.to === 'upstream' && decided.params).toBe(params)
})

test('a legacy session does not listen', () => {
  expect(route(bare, { method: 'subscriptions/listen', params: {} }, nothing)).toEqual(absent)
})
