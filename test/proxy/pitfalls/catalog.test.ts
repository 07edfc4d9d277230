import { expect, test } from 'vitest'
import { rawSession } from '../../helpers/mcp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { wireClient } from '../sessions/wire.ts'
import { ANSWERED, inFrontOf, type Script, scripted, tool, type Way } from './scripted.ts'

const both = { capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} } }
const long = `${'very-'.repeat(12)}long`

test('D-35: pagination: all pages of a server are served as one, and a cursor nobody gave out is refused', async () => {
  await using server = await scripted({
    'tools/list': ({ params }) => {
      const from = Number(params?.cursor ?? 0)
      const tools = [from, from + 1].map((i) => tool(`t${i}`))
      return from < 4 ? { tools, nextCursor: String(from + 2) } : { tools }
    },
  })
  await using at = await inFrontOf({ s: server })
  const { ask } = await rawSession(at.url)
  const result = (await ask('tools/list'))[0]?.result
  expect(result?.tools).toMatchObject([0, 1, 2, 3, 4, 5].map((i) => ({ name: `s_t${i}` })))
  expect(result).not.toHaveProperty('nextCursor')
  expect((await ask('tools/list', { cursor: '2' }))[0]?.error?.code).toBe(-32602)
})

test('pagination: a cursor that comes again ends the asking', async () => {
  await using server = await scripted({ 'tools/list': () => ({ tools: [tool('go')], nextCursor: 'same' }) })
  await using at = await inFrontOf({ s: server })
  expect(server.heard('tools/list').length).toBeLessThan(5)
  const { ask } = await rawSession(at.url)
  expect(JSON.stringify(await ask('tools/list'))).toContain('s_go')
})

test('U-37: list changes: a storm of them is one refetch, told of once, when the new list is served', async () => {
  let names = ['go']
  let stream: Way | undefined
  await using server = await scripted(
    {
      'tools/list': () => ({ tools: names.map((name) => tool(name)) }),
      GET: (_message, way) => {
        way.response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        stream = way
        return ANSWERED
      },
    },
    { capabilities: { tools: { listChanged: true } } },
  )
  await using at = await inFrontOf({ s: server })
  await using client = await wireClient(at.url)
  await client.ask('tools/list')
  await waitFor(() => stream)
  const change = () => stream?.event({ method: 'notifications/tools/list_changed' })
  const fetched = server.heard('tools/list').length
  for (let i = 0; i < 100; i++) change()
  await waitFor(() => server.heard('tools/list').length > fetched)
  await client.ask('ping')
  expect(client.heard).toEqual([])
  names = ['go', 'more']
  change()
  await waitFor(() => client.heard.length > 0)
  expect(client.heard).toMatchObject([{ method: 'notifications/tools/list_changed' }])
  expect(JSON.stringify((await client.ask('tools/list')).result)).toContain('s_more')
  expect(server.heard('tools/list').length).toBeLessThanOrEqual(fetched + 3)
})

test('list changes: a server whose first lists never come holds up those of the others for a while only', async () => {
  await using hung = await scripted({ 'tools/list': () => ANSWERED })
  await using good = await scripted()
  await using at = await inFrontOf({ hung, good }, {}, { listWait: 500, isReady: false })
  const { ask } = await rawSession(at.url)
  expect((await ask('tools/list'))[0]?.result?.tools).toMatchObject([{ name: 'good_go' }])
  expect(at.proxy.status()?.state).not.toBe('ready')
})

test('names: 64 characters at most, tools and prompts, each found again, in completion too', async () => {
  const script: Script = {
    'tools/list': () => ({ tools: [tool(long), tool(`${long}2`)] }),
    'prompts/list': () => ({ prompts: [{ name: long }, { name: 'short' }] }),
    'tools/call': ({ params }) => ({ content: [], own: params?.name }),
    'prompts/get': ({ params }) => ({ messages: [], own: params?.name }),
    'completion/complete': ({ params }) => ({ completion: { values: [] }, own: params?.ref }),
  }
  await using server = await scripted(script, both)
  await using at = await inFrontOf({ a_b: server })
  const { ask } = await rawSession(at.url)
  const namesOf = async (kind: string) => {
    const [answer] = await ask(`${kind}/list`)
    return ([answer?.result?.[kind]].flat() as { name: string }[]).map(({ name }) => name)
  }
  const [tools, prompts] = [await namesOf('tools'), await namesOf('prompts')]
  for (const name of [...tools, ...prompts]) expect(name.length).toBeLessThanOrEqual(64)
  expect(new Set(tools).size).toBe(2)
  const [one] = await ask('tools/call', { name: tools[1] })
  expect(one?.result?.own).toBe(`${long}2`)
  expect((await ask('prompts/get', { name: prompts[0] }))[0]?.result?.own).toBe(long)
  const ref = { type: 'ref/prompt', name: 'a_b_short', zz: 1 }
  const [completed] = await ask('completion/complete', { ref, argument: { name: 'x', value: '' } })
  expect(completed?.result?.own).toEqual({ ...ref, name: 'short' })
})

test('names: with an empty prefix they are bare, and of two equal ones the first server’s is served, with a warning', async () => {
  const named = (who: string): Script => ({ 'tools/call': () => ({ content: [], who }) })
  await using a = await scripted(named('a'))
  await using b = await scripted(named('b'))
  await using at = await inFrontOf({ a, b }, { prefix: '' })
  const { ask } = await rawSession(at.url)
  expect((await ask('tools/list'))[0]?.result?.tools).toMatchObject([{ name: 'go' }])
  expect((await ask('tools/call', { name: 'go' }))[0]?.result?.who).toBe('a')
  expect(at.proxy.log.some((line) => line.includes('"warn"') && line.includes('go'))).toBe(true)
})

/** Two servers with one URI each that both have, in every place where a URI can be. */
function twin(who: string): Script {
  const resource = { uri: 'ui://app/main', text: who }
  const _meta = { ui: { resourceUri: 'ui://app/main', visibility: ['app'] }, 'ui/resourceUri': 'ui://app/main' }
  return {
    'tools/list': () => ({ tools: [tool('go', { _meta })] }),
    'tools/call': (_message, { event, last }) => {
      event({ method: 'notifications/resources/updated', params: { uri: 'ui://app/main' } })
      last({
        content: [
          { type: 'resource', resource },
          { type: 'resource_link', uri: 'ui://app/main', name: 'x' },
        ],
        _meta,
      })
      return ANSWERED
    },
    'prompts/list': () => ({ prompts: [{ name: 'p' }] }),
    'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'resource', resource } }] }),
    'resources/list': () => ({ resources: [{ uri: 'ui://app/main', name: who }] }),
    'resources/templates/list': () => ({ resourceTemplates: [{ uriTemplate: 'ui://app/{page}', name: who }] }),
    'resources/read': ({ params }) => ({
      contents: [
        { uri: params?.uri, text: who, _meta: { ui: { csp: { connectDomains: ['x.test'] }, permissions: {} } } },
      ],
    }),
    'resources/subscribe': () => ({}),
    'completion/complete': ({ params }) => ({ completion: { values: [who] }, own: params?.ref }),
  }
}

test('resource URIs: colliding ones are told apart wherever they are, and lead back to their server', async () => {
  await using a = await scripted(twin('a'), both)
  await using b = await scripted(twin('b'), both)
  await using at = await inFrontOf({ a, b })
  await using client = await wireClient(at.url)
  const { resources } = (await client.ask('resources/list')).result as { resources: { uri: string; name: string }[] }
  expect(resources.map(({ name }) => name)).toEqual(['a', 'b'])
  const [first, second] = resources.map(({ uri }) => uri)
  expect(first).toBe('ui://app/main')
  expect(second).toMatch(/^ui:\/\/.+app\/main$/)
  const { contents } = (await client.ask('resources/read', { uri: second })).result as { contents: unknown }
  expect(contents).toMatchObject([{ uri: second, text: 'b', _meta: { ui: { csp: { connectDomains: ['x.test'] } } } }])
  const { tools } = (await client.ask('tools/list')).result as { tools: { _meta: unknown }[] }
  const shown = { ui: { resourceUri: second, visibility: ['app'] }, 'ui/resourceUri': second }
  expect(tools[1]?._meta).toEqual(shown)
  await client.ask('resources/subscribe', { uri: second })
  expect(b.heard('resources/subscribe')[0]?.params?.uri).toBe('ui://app/main')
  expect(a.heard('resources/subscribe')).toEqual([])
  const { result } = await client.ask('tools/call', { name: 'b_go' })
  expect(result?.content).toMatchObject([{ resource: { uri: second } }, { uri: second }])
  expect(result?._meta).toEqual(shown)
  expect(client.heard).toMatchObject([{ method: 'notifications/resources/updated', params: { uri: second } }])
  expect(JSON.stringify((await client.ask('prompts/get', { name: 'b_p' })).result)).toContain(second)
  const listed = (await client.ask('resources/templates/list')).result as {
    resourceTemplates: { uriTemplate: string }[]
  }
  const ref = { type: 'ref/resource', uri: listed.resourceTemplates[1]?.uriTemplate }
  const completed = await client.ask('completion/complete', { ref, argument: { name: 'page', value: '' } })
  expect(completed.result).toMatchObject({ completion: { values: ['b'] }, own: { uri: 'ui://app/{page}' } })
})

test('MCP Apps: the extension is advertised, and what hosts need of tools and pages is kept', async () => {
  const extensions = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] }, zz: {} }
  await using app = await scripted(twin('app'), { capabilities: { ...both.capabilities, extensions } })
  await using plain = await scripted()
  await using at = await inFrontOf({ plain, app })
  const { initialized, ask } = await rawSession(at.url)
  expect(initialized?.result?.capabilities).toMatchObject({ extensions })
  const tools = (await ask('tools/list'))[0]?.result?.tools
  const shown = { ui: { resourceUri: 'ui://app/main', visibility: ['app'] }, 'ui/resourceUri': 'ui://app/main' }
  expect(tools).toMatchObject([{ name: 'plain_go' }, { name: 'app_go', _meta: shown }])
  const [page] = await ask('resources/read', { uri: 'ui://app/main' })
  expect(page?.result).toMatchObject({ contents: [{ _meta: { ui: { csp: {}, permissions: {} } } }] })
  expect((await ask('tools/call', { name: 'app_go' })).at(-1)?.result?.content).toHaveLength(2)
})

test('capabilities: the union of what servers can do, list changes always, nothing invented for clients', async () => {
  const one = { tools: {}, experimental: { one: { a: 1 } }, logging: {}, vendor: { x: 1 } }
  const other = { resources: { subscribe: true, listChanged: false }, experimental: { other: {}, one: { b: 2 } } }
  await using a = await scripted({}, { capabilities: one })
  await using b = await scripted({}, { capabilities: other })
  await using at = await inFrontOf({ a, b })
  const { initialized } = await rawSession(at.url, { capabilities: { sampling: {} } })
  expect(initialized?.result?.capabilities).toEqual({
    tools: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    experimental: { one: { a: 1, b: 2 }, other: {} },
    logging: {},
    vendor: { x: 1 },
  })
  const declared = a.heard('initialize')[0]?.params?.capabilities as Record<string, unknown>
  expect(declared).not.toHaveProperty('roots')
})

test('what is not ours is kept to the letter: icons, instructions, schemas, annotations and unknown fields', async () => {
  const item = tool('go', {
    icons: [{ src: 'https://x.test/i.png', zz: 1 }],
    outputSchema: { type: 'object', $ref: 'https://x.test/schema' },
    annotations: { readOnlyHint: true, zz: null },
    execution: { taskSupport: 'optional' },
    _meta: { 'x.test/k': [1, { a: '\u2028' }] },
    zz: { deep: [null] },
  })
  const result = {
    content: [{ type: 'never-heard-of', zz: 1 }],
    structuredContent: { n: null },
    _meta: { z: 1 },
    zz: 1,
  }
  await using server = await scripted(
    { 'tools/list': () => ({ tools: [item] }), 'tools/call': () => result },
    { instructions: 'Read me first.\n' },
  )
  await using at = await inFrontOf({ s: server })
  const { ask, initialized } = await rawSession(at.url)
  expect((await ask('tools/list'))[0]?.result?.tools).toEqual([{ ...item, name: 's_go' }])
  expect((await ask('tools/call', { name: 's_go', zz: 1, arguments: { zz: [1] } }))[0]?.result).toEqual(result)
  expect(server.heard('tools/call')[0]?.params).toEqual({ name: 'go', zz: 1, arguments: { zz: [1] } })
  expect(initialized?.result?.instructions).toContain('## s\n\nRead me first.')
})
