import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { groupOf, serverOf } from '../helpers/group.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'
import { type Cell, cells, titleOf } from './cells.ts'
import { connect, type RawClient } from './client.ts'
import { type Json, type Mirror, type MirrorCatalog, type MirrorServer, startMirror } from './mirror.ts'
import { meta, noisy } from './noise.ts'
import { patience, runs, seed } from './runs.ts'
import { capabilities, implementation, listed } from './shapes.ts'
import { withoutMeta } from './translations.ts'
import { Wire } from './wire.ts'

/** Few servers with very many items each: a new catalog takes longer to load than to compare. */
const SERVERS = 8
const items = Math.ceil(runs / SERVERS / 4)

const methods = [
  { method: 'tools/list', field: 'tools', key: 'name' },
  { method: 'prompts/list', field: 'prompts', key: 'name' },
  { method: 'resources/list', field: 'resources', key: 'uri' },
  { method: 'resources/templates/list', field: 'resourceTemplates', key: 'uriTemplate' },
] as const

vi.setConfig({ testTimeout: patience(runs), hookTimeout: patience(runs) })

let mirror: Mirror
let wire: Wire

beforeAll(async () => {
  wire = new Wire()
  mirror = await startMirror()
})

afterAll(async () => {
  await mirror[Symbol.asyncDispose]()
  await wire[Symbol.asyncDispose]()
})

describe.each(cells.map((cell) => ({ title: titleOf(cell), cell })))('$title', ({ cell }) => {
  let socket: HeldSocket
  let proxy: RunningProxy
  let behind: readonly MirrorServer[]

  beforeAll(async () => {
    behind = names.map((name) => mirror.server(cell.server, `${name}-${cell.client}`))
    await Promise.all([...catalogs.entries()].map(([i, catalog]) => behind[i]?.load(catalog)))
    await Promise.all([...catalogs.entries()].map(([i, catalog]) => twinOf(cell, i).load(catalog)))
    const servers = behind.map(({ url = '' }, i) =>
      serverOf(names[i] ?? '', { protocol: cell.server, transport: { kind: 'http', url, headers: {} } }),
    )
    socket = await holdSocket()
    proxy = await startReadyProxy({ group: groupOf(servers), socket })
  })

  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    socket[Symbol.dispose]()
  })

  test.each(methods)('$method of one server is what the server says, item by item', async ({ method, field }) => {
    for (const [i, name] of names.entries()) {
      const direct = await allOf(await connect(cell.client, wire, twinOf(cell, i).url ?? ''), method, field)
      const proxied = await allOf(await connect(cell.client, wire, `${proxy.url}/servers/${name}/mcp`), method, field)
      expect(proxied, `seed ${seed}, ${name}`).toEqual(itemsOf(cell, direct))
      expect(proxied).toHaveLength(items)
    }
  })

  test.each(methods)('what stands around $method arrives too', async ({ method, field }) => {
    for (const [i, name] of names.entries()) {
      const direct = await connect(cell.client, wire, twinOf(cell, i).url ?? '')
      const proxied = await connect(cell.client, wire, `${proxy.url}/servers/${name}/mcp`)
      expect(frameOf(cell, await proxied.ask(method), field), `seed ${seed}, ${name}`).toEqual(
        frameOf(cell, await direct.ask(method), field),
      )
    }
  })

  test.each(methods)(
    '$method of the group is all servers’ in order, but for prefixes',
    async ({ method, field, key }) => {
      const client = await connect(cell.client, wire, `${proxy.url}/mcp`)
      const proxied = await allOf(client, method, field)
      const direct = await Promise.all(
        names.map(async (_, i) => allOf(await connect(cell.client, wire, twinOf(cell, i).url ?? ''), method, field)),
      )
      const prefixed = direct.flatMap((own, i) =>
        itemsOf(cell, own).map((item) => ({ ...item, [key]: shown(names[i], item[key], key) })),
      )
      expect(proxied, `seed ${seed}`).toEqual(prefixed)
    },
  )

  test('what a server says of itself arrives, but that the proxy tells of changes', async () => {
    for (const [i, name] of names.entries()) {
      const direct = await connect(cell.client, wire, twinOf(cell, i).url ?? '')
      const proxied = await connect(cell.client, wire, `${proxy.url}/servers/${name}/mcp`)
      expect(selfOf(cell, proxied), `seed ${seed}, ${name}`).toEqual(withListChanged(selfOf(cell, direct)))
    }
  })
})

const names = Array.from({ length: SERVERS }, (_, i) => `server${i}`)
const catalogs = fc.sample(fc.tuple(...names.map((_, i) => catalogOf(i))), { seed, numRuns: 1 })[0] ?? []

function catalogOf(server: number): fc.Arbitrary<MirrorCatalog> {
  const many = (item: fc.Arbitrary<Json>, identity: (i: number) => Json) =>
    fc
      .array(item, { minLength: items, maxLength: items })
      .map((all) => all.map((one, i) => ({ ...one, ...identity(i) })))
  const known = { capabilities, serverInfo: implementation, instructions: fc.string({ unit: 'binary' }) }
  const self: fc.Arbitrary<Json> = noisy(known, { _meta: meta })
  const frame = noisy({}, { _meta: meta })
  const lists = fc.record({
    // One page, since what stands around several is nobody's in particular.
    pageSize: fc.constant(items),
    extra: fc.record(Object.fromEntries(methods.map(({ method }) => [method, frame]))),
    tools: many(listed.tools, (i) => ({ name: `tool-${i}` })),
    prompts: many(listed.prompts, (i) => ({ name: `ünïcödé ${i}` })),
    resources: many(listed.resources, (i) => ({ uri: `server${server}://resource/${i}` })),
    resourceTemplates: many(listed.resourceTemplates, (i) => ({ uriTemplate: `server${server}://template/${i}/{x}` })),
  })
  return fc.tuple(self, lists).map(([said, all]) => ({ ...all, initialize: said, discover: discovered(said) }))
}

function discovered({ serverInfo, ...rest }: Json): Json {
  const _meta = { ...(rest._meta as Json | undefined), 'io.modelcontextprotocol/serverInfo': serverInfo }
  return { ...rest, _meta }
}

function twinOf({ client }: Cell, i: number): MirrorServer {
  return mirror.server(client, `${names[i]}-twin`)
}

/** Tasks of the legacy era cannot be begun by modern clients, so they are not told which tools take them. */
function itemsOf({ client, server }: Cell, items: readonly Json[]): readonly Json[] {
  if (client !== 'modern' || server !== 'legacy') return items
  return items.map(({ execution, ...item }) => {
    if (typeof execution !== 'object' || execution === null) return item
    const { taskSupport: _support, ...others } = execution as Json
    return Object.keys(others).length === 0 && 'taskSupport' in execution ? item : { ...item, execution: others }
  })
}

/** All pages. */
async function allOf({ ask }: RawClient, method: string, field: string): Promise<readonly Json[]> {
  const found: Json[] = []
  for (let cursor: unknown; ; ) {
    const { result } = await ask(method, cursor === undefined ? {} : { cursor })
    const { [field]: some, nextCursor } = result as Json & { readonly nextCursor?: unknown }
    found.push(...(some as readonly Json[]))
    if (nextCursor === undefined) return found
    cursor = nextCursor
  }
}

function shown(server: string | undefined, own: unknown, key: string): string {
  return key === 'name' ? `${server}_${own}` : String(own)
}

/** What stands around the items; how long they are good for is the proxy's own business, and so is who answers. */
function frameOf(cell: Cell, { result }: Json, field: string): Json {
  const { [field]: _items, ttlMs: _ttl, cacheScope: _scope, ...frame } = result as Json
  return withoutServer(cell, frame)
}

function selfOf(cell: Cell, { greeting }: RawClient): Json {
  const { ttlMs: _ttl, cacheScope: _scope, supportedVersions: _versions, ...self } = greeting.result as Json
  return isLegacy(cell) ? self : withoutMeta(self, [])
}

/** In the modern era `_meta` says who answers, so that there may be one, or be none, for that alone. */
function withoutServer(cell: Cell, frame: Json): Json {
  return isLegacy(cell) ? frame : withoutMeta(frame, ['io.modelcontextprotocol/serverInfo'])
}

function isLegacy({ client, server }: Cell): boolean {
  return client === 'legacy' && server === 'legacy'
}

function withListChanged({ capabilities: declared, ...self }: Json): Json {
  const told = Object.entries(declared as Json).map(([key, settings]) =>
    ['tools', 'prompts', 'resources'].includes(key)
      ? [key, { ...(settings as Json), listChanged: true }]
      : [key, settings],
  )
  return { ...self, capabilities: Object.fromEntries(told) }
}
