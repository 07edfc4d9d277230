import { expect, test } from 'vitest'
import { Catalog, type Source } from '../../../src/proxy/catalog/catalog.ts'
import type { Kind, Listing } from '../../../src/proxy/upstream/listing.ts'
import { createLog } from '../../../src/shared/log.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'
import { waitFor } from '../../helpers/wait.ts'

function listing(fields: Partial<Listing> = {}): Listing {
  const about = {
    era: 'legacy' as const,
    frames: bareFrames,
    protocolVersion: '2025-11-25',
    serverInfo: {},
    capabilities: {},
    instructions: undefined,
  }
  return { ...about, tools: [], resources: [], templates: [], prompts: [], ...fields }
}

interface Told {
  readonly server: string | undefined
  readonly kinds: readonly Kind[]
  readonly at: number
}

function open(...initial: Source[]) {
  let sources: readonly Source[] = initial
  const told: Told[] = []
  const lines: string[] = []
  const catalog = new Catalog({
    sources: () => sources,
    log: createLog({ level: 'debug', write: (line) => void lines.push(line) }),
    drifted: () => {},
    changed: (server, kinds) => void told.push({ server, kinds, at: performance.now() }),
  })
  const change = (...next: Source[]) => {
    sources = next
    catalog.refresh()
  }
  return { catalog, told, lines, change, [Symbol.dispose]: () => catalog[Symbol.dispose]() }
}

const server = serverOf('a')
const tools = (...names: string[]): Source => ({ server, listing: listing({ tools: names.map((name) => ({ name })) }) })

test('a new list is served at once and told of a moment later, to who watches', async () => {
  using one = open(tools('x'))
  one.catalog.watch(undefined)
  one.change(tools('x', 'y'))
  expect(one.catalog.view(undefined)?.lists.legacy.tools.toString()).toContain('a_y')
  expect(one.told).toEqual([])
  await waitFor(() => one.told.length > 0)
  expect(one.told).toMatchObject([{ server: undefined, kinds: ['tools'] }])
})

test('what changes no list leaves the view the very same', () => {
  const [first, coming] = [tools('x'), serverOf('b')]
  using one = open(first)
  const view = one.catalog.view(undefined)
  one.change(first, { server: coming, listing: undefined })
  expect(one.catalog.view(undefined)).toBe(view)
  one.change(first, { server: coming, listing: tools('y').listing })
  expect([...(one.catalog.view(undefined)?.targets.tools.keys() ?? [])]).toEqual(['a_x', 'b_y'])
  one.change(first)
  expect([...(one.catalog.view(undefined)?.targets.tools.keys() ?? [])]).toEqual(['a_x'])
})

test('a change nobody can see is told to nobody', async () => {
  const hidden = serverOf('a', { tools: { ...server.tools, deny: ['secret*'] } })
  using one = open({ server: hidden, listing: tools('x').listing })
  one.catalog.watch(undefined)
  one.catalog.watch('a')
  one.change({ server: hidden, listing: tools('x', 'secret_1').listing })
  one.change({ server: hidden, listing: tools('x', 'secret_2').listing })
  one.change({ server: { ...hidden, prefix: 'b_' }, listing: tools('x').listing })
  await waitFor(() => one.told.length > 0)
  expect(one.told).toMatchObject([{ server: undefined, kinds: ['tools'] }])
})

test('a storm of changes is told of at most once a second, and the last one is not lost', async () => {
  using one = open(tools())
  one.catalog.watch(undefined)
  one.change(tools('x'))
  await waitFor(() => one.told.length === 1)
  for (let i = 0; i < 20; i++) one.change(tools('x', `y${i}`))
  await waitFor(() => one.told.length === 2)
  const [first, second] = one.told
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990)
  expect(one.catalog.view(undefined)?.lists.legacy.tools.toString()).toContain('a_y19')
})

test('what did not change is not made again', () => {
  const source = tools('x')
  using one = open(source)
  const before = one.catalog.offer(source)
  one.catalog.refresh()
  expect(one.catalog.offer({ server, listing: source.listing })).toBe(before)
})

test('two items of one name are warned about once', () => {
  const bare = (name: string): Source => ({ server: serverOf(name, { prefix: '' }), listing: tools('x').listing })
  using one = open(bare('a'), bare('b'))
  one.catalog.view(undefined)
  one.catalog.refresh()
  one.catalog.view(undefined)
  expect(one.lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', msg: 'two items share a name', name: 'x', shownFrom: 'a', hiddenFrom: 'b' },
  ])
})

test('a server that is not there has no view', () => {
  using one = open(tools('x'))
  expect(one.catalog.view('nope')).toBeUndefined()
})

test('an overlay that lists the same is the same view, another is its own and shared by content', () => {
  using one = open(tools('x'))
  const overlay = (...names: string[]) => new Map([['a', listing({ tools: names.map((name) => ({ name })) })]])
  const shared = one.catalog.view(undefined)
  expect(one.catalog.view(undefined, overlay('x'))).toBe(shared)
  const other = one.catalog.view(undefined, overlay('x', 'gated'))
  expect(other?.lists.legacy.tools.toString()).toContain('a_gated')
  expect(one.catalog.view(undefined, overlay('x', 'gated'))).toBe(other)
  expect(one.catalog.view(undefined)).toBe(shared)
})

test('who watches for itself is told only of what it was shown', async () => {
  using one = open(tools('x'))
  const me = {}
  const told: unknown[] = []
  one.catalog.watchFor(me, { view: () => one.catalog.view(undefined), tell: (changed) => told.push(changed) })
  const shown = one.catalog.view(undefined)?.lists.legacy.tools
  if (shown) one.catalog.showed(me, 'tools', shown)
  one.change({ server, listing: listing({ tools: [{ name: 'y' }], prompts: [{ name: 'p' }] }) })
  await waitFor(() => told.length === 1)
  expect(told).toEqual([['tools']])
})
