import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { offerOf } from '../../../src/proxy/catalog/offer.ts'
import { bareView, mergedView, type View } from '../../../src/proxy/catalog/view.ts'
import { bareFrame, type Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

const filter = serverOf('x').tools

function listing(fields: Partial<Listing>): Listing {
  return {
    era: 'legacy',
    frames: bareFrames,
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'x', version: '1' },
    capabilities: {},
    instructions: undefined,
    tools: [],
    resources: [],
    templates: [],
    prompts: [],
    ...fields,
  }
}

const tools = (...names: string[]) => listing({ tools: names.map((name) => ({ name })) })
const resources = (...uris: string[]) => listing({ resources: uris.map((uri) => ({ uri })) })

function merged(...servers: [Server, Listing | undefined][]): View {
  return mergedView(servers.map(([server, listed]) => offerOf(server, listed)))
}

function names(view: View): string[] {
  return JSON.parse(view.lists.legacy.tools.toString()).tools.map(({ name }: { name: string }) => name)
}

test('lists come in the order of the group, then of the server', () => {
  const view = merged([serverOf('b'), tools('z', 'a')], [serverOf('a'), tools('m')])
  expect(names(view)).toEqual(['b_z', 'b_a', 'a_m'])
  expect(view.targets.tools.get('b_a')).toEqual({ server: 'b', own: 'a' })
})

test('everything an item has besides its name stays, in its order', () => {
  const tool = {
    title: 'T',
    name: 'a',
    unknown: { deep: [1, null] },
    annotations: { readOnlyHint: true, custom: 1 },
    icons: [{ src: 'data:x', extra: 1 }],
    _meta: { 'x/y': 1 },
    inputSchema: { type: 'object', $defs: {} },
  }
  const view = merged([serverOf('s'), listing({ tools: [tool] })])
  expect(view.lists.legacy.tools.toString()).toBe(JSON.stringify({ tools: [{ ...tool, name: 's_a' }] }))
})

test('filters, renames and prefixes make the shown name, and the way back is the map', () => {
  const server = serverOf('db', { prefix: 'x-', tools: { ...filter, deny: ['drop'], rename: { query: 'ask' } } })
  const view = merged([server, tools('query', 'drop', 'list')])
  expect(names(view)).toEqual(['x-ask', 'x-list'])
  expect(view.targets.tools.get('x-ask')).toEqual({ server: 'db', own: 'query' })
  expect(view.targets.tools.get('x-drop')).toBeUndefined()
})

test.each([['legacy'], ['modern']] as const)('only a cut name has the whole one beside it (%s)', (era) => {
  const long = 'x'.repeat(70)
  const cut = { name: long, _meta: { 'x/y': 1 }, inputSchema: { type: 'object' } }
  const view = merged([serverOf('s'), listing({ tools: [cut, { name: 'short', inputSchema: { type: 'object' } }] })])
  const closing = era === 'modern' ? '}' : ''
  const [first, second] = JSON.parse(view.lists[era].tools.toString() + closing).tools
  expect(first).toMatchObject({ _meta: { 'x/y': 1, 'mcpctl/name': `s_${long}` } })
  expect(first.name).toHaveLength(64)
  expect(second).toEqual({ name: 's_short', inputSchema: { type: 'object' } })
})

test('a name that is too long stays as it is on its server’s own address', () => {
  const tool = { name: 'x'.repeat(70) }
  const view = bareView(offerOf(serverOf('s'), listing({ tools: [tool] })))
  expect(view.lists.legacy.tools.toString()).toBe(JSON.stringify({ tools: [tool] }))
})

test('of two equal names the first in the order of the group is shown, and the other one is reported', () => {
  const view = merged([serverOf('a', { prefix: '' }), tools('x')], [serverOf('b', { prefix: '' }), tools('x', 'y')])
  expect(names(view)).toEqual(['x', 'y'])
  expect(view.targets.tools.get('x')).toEqual({ server: 'a', own: 'x' })
  expect(view.conflicts).toEqual([{ kind: 'tools', name: 'x', shownFrom: 'a', hiddenFrom: 'b' }])
})

test('only the colliding URI of the later server is marked, in the list and in what points to it', () => {
  const second = listing({
    resources: [{ uri: 'ui://chart' }, { uri: 'ui://table' }],
    tools: [{ name: 't', _meta: { ui: { resourceUri: 'ui://chart', x: 1 }, 'ui/resourceUri': 'ui://chart' } }],
  })
  const view = merged([serverOf('a'), resources('ui://chart')], [serverOf('b'), second])
  expect(JSON.parse(view.lists.legacy.resources.toString()).resources).toEqual([
    { uri: 'ui://chart' },
    { uri: 'ui://mcpctl.b/chart' },
    { uri: 'ui://table' },
  ])
  expect(view.targets.resources.get('ui://mcpctl.b/chart')).toEqual({ server: 'b', own: 'ui://chart' })
  expect(JSON.parse(view.lists.legacy.tools.toString()).tools[0]._meta).toEqual({
    ui: { resourceUri: 'ui://mcpctl.b/chart', x: 1 },
    'ui/resourceUri': 'ui://mcpctl.b/chart',
  })
})

test('a server alone shows its own bare names, filtered but neither prefixed nor renamed', () => {
  const server = serverOf('db', { tools: { ...filter, deny: ['drop'], rename: { query: 'ask' } } })
  const view = bareView(offerOf(server, tools('query', 'drop')))
  expect(names(view)).toEqual(['query'])
})

test('a template that cannot be parsed is listed and routes nothing', () => {
  const view = merged([serverOf('a'), listing({ templates: [{ uriTemplate: 'x://{' }, { uriTemplate: 'y://{id}' }] })])
  expect(JSON.parse(view.lists.legacy.templates.toString()).resourceTemplates).toHaveLength(2)
  expect(view.templates.map((template) => template.matches('y://1'))).toEqual([true])
})

test('every shown name leads to exactly the item it is shown for, whatever servers call their tools', () => {
  const name = fc.string({ minLength: 1, maxLength: 90 })
  const server = fc.record({ prefix: fc.constantFrom('', 'a_', 'a', 'b_'), names: fc.array(name, { maxLength: 8 }) })
  fc.assert(
    fc.property(fc.array(server, { maxLength: 5 }), (servers) => {
      const view = merged(
        ...servers.map(({ prefix, names: own }, i): [Server, Listing] => [
          serverOf(`s${i}`, { prefix }),
          listing({ tools: own.map((each) => ({ name: each, mark: `s${i} ${each}` })) }),
        ]),
      )
      for (const tool of JSON.parse(view.lists.legacy.tools.toString()).tools) {
        const target = view.targets.tools.get(tool.name)
        expect(`${target?.server} ${target?.own}`).toBe(tool.mark)
      }
    }),
  )
})

test('each era gets the form it can take, one text where they are the same', () => {
  const inputSchema = { type: 'object', properties: { a: { type: 'string' } } }
  const tool = { name: 'a', inputSchema, execution: { taskSupport: 'optional' } }
  const view = merged([serverOf('s'), listing({ capabilities: { tools: {} }, tools: [tool, { name: 'b' }] })])
  expect(view.lists.legacy.tools.toString()).toBe(
    JSON.stringify({ tools: [{ ...tool, name: 's_a' }, { name: 's_b' }] }),
  )
  // Still open: how fresh it is is said when it is served.
  expect(`${view.lists.modern.tools}}`).toBe(
    JSON.stringify({ resultType: 'complete', tools: [{ name: 's_a', inputSchema }, { name: 's_b' }] }),
  )
  expect(view.schemas.get('s_a')).toEqual(inputSchema)
  expect(view.schemas.get('s_b')).toBeUndefined()
})

test('a modern server’s tool is shown to legacy clients with schemas they know', () => {
  const tool = { name: 'a', outputSchema: { type: 'array' } }
  const view = merged([serverOf('s'), listing({ era: 'modern', tools: [tool] })])
  expect(JSON.parse(`${view.lists.modern.tools}}`).tools[0].outputSchema).toEqual({ type: 'array' })
  expect(JSON.parse(view.lists.legacy.tools.toString()).tools[0].outputSchema).toMatchObject({ type: 'object' })
})

test('what a server says beside its list is said to both eras', () => {
  const frames = { ...bareFrames, tools: { ...bareFrame, extra: { 'x-more': 1, _meta: { 'v/a': 2 } } } }
  const view = merged([serverOf('s'), listing({ capabilities: { tools: {} }, frames })])
  expect(JSON.parse(view.lists.legacy.tools.toString())).toEqual({ tools: [], 'x-more': 1, _meta: { 'v/a': 2 } })
  expect(JSON.parse(`${view.lists.modern.tools}}`)).toEqual({ resultType: 'complete', tools: [], 'x-more': 1 })
  expect(view.metas.tools).toEqual({ 'v/a': 2 })
})
