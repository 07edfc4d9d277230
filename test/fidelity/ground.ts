import fc from 'fast-check'
import type { Server } from '../../src/config/profile.ts'
import { groupOf, serverOf } from '../helpers/group.ts'
import { holdSocket, startReadyProxy } from '../helpers/proxy.ts'
import type { Cell, Era } from './cells.ts'
import { connect } from './client.ts'
import type { Terrain } from './exchange.ts'
import { type Json, type Mirror, type MirrorCatalog, type MirrorServer, pipedMirror, startMirror } from './mirror.ts'
import { Wire } from './wire.ts'

/** One way from a client through the proxy to a server and, to compare with, the servers without the proxy. */
export interface Path {
  readonly terrain: Terrain
  readonly url: string
  readonly behind: MirrorServer
  /** The same server in either era, where clients reach it directly. */
  readonly twins: Readonly<Record<Era, MirrorServer>>
  /** How many exchanges may be under way at once: on pipes, much is only certain when there is but one. */
  readonly width: number
  /** What the address calls the server's own tools and prompts. */
  readonly shown: (own: string) => string
}

/** Mirrors, a proxy in front of them, and every way through it that a cell has. */
export interface Ground extends AsyncDisposable {
  readonly wire: Wire
  readonly path: (cell: Cell, way: Way) => Promise<Path>
}

/** How the server is reached, and on which of the proxy's addresses. */
export interface Way {
  readonly transport: 'http' | 'pipes'
  readonly address: 'own' | 'group'
}

export const ways: readonly Way[] = [
  { transport: 'http', address: 'own' },
  { transport: 'http', address: 'group' },
  { transport: 'pipes', address: 'own' },
  { transport: 'pipes', address: 'group' },
]

interface Place extends AsyncDisposable {
  readonly name: string
  readonly transport: Way['transport']
  readonly server: Server
  readonly behind: MirrorServer
  readonly twins: Readonly<Record<Era, MirrorServer>>
}

const WIDTH = 8
const names = ['plain', 'With.Dots_and-dashes', 'ünïcödé 💥', 'a b', '=?base64?eA==?=', 'x'.repeat(120), '__proto__']

export async function prepareGround(eras: readonly Era[], env: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const wire = new Wire()
  const mirror = await startMirror(env)
  const kinds = ['http', 'pipes'] as const
  const places = await Promise.all(eras.flatMap((era) => kinds.map((transport) => placeOf(mirror, era, transport))))
  const socket = await holdSocket()
  const proxy = await startReadyProxy({ group: groupOf(places.map(({ server }) => server)), socket })
  return {
    wire,
    path: async (cell, { transport, address }) => {
      const place = places.find(({ behind, ...one }) => behind.era === cell.server && one.transport === transport)
      if (!place) throw new Error(`there is no ${cell.server} server on ${transport}`)
      if (address === 'own') return ownPath(place, cell, `${proxy.url}/servers/${place.name}/mcp`)
      return groupPath(place, { cell, url: `${proxy.url}/mcp`, wire })
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      socket[Symbol.dispose]()
      for (const place of places) await place[Symbol.asyncDispose]()
      await mirror[Symbol.asyncDispose]()
      await wire[Symbol.asyncDispose]()
    },
  }
}

async function placeOf(mirror: Mirror, era: Era, transport: Place['transport']): Promise<Place> {
  const name = `${era}-${transport}`
  const catalog = catalogOf(name)
  const twins = { legacy: mirror.server('legacy', `${name}-twin`), modern: mirror.server('modern', `${name}-twin`) }
  await Promise.all([twins.legacy.load(catalog), twins.modern.load(catalog)])
  if (transport === 'pipes') {
    const piped = await pipedMirror(name, era, catalog)
    return {
      name,
      transport,
      server: piped.server,
      behind: piped.mirror,
      twins,
      [Symbol.asyncDispose]: piped[Symbol.asyncDispose],
    }
  }
  const behind = mirror.server(era, name)
  await behind.load(catalog)
  const server = serverOf(name, { protocol: era, transport: { kind: 'http', url: behind.url ?? '', headers: {} } })
  return { name, transport, server, behind, twins, [Symbol.asyncDispose]: async () => {} }
}

/** In the modern era the head of a call repeats this argument. */
const inputSchema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }

function catalogOf(name: string): MirrorCatalog {
  const capabilities = { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} }
  return {
    initialize: { capabilities, serverInfo: { name, version: '1' } },
    discover: { capabilities },
    tools: names.map((one) => ({ name: one, inputSchema })),
    prompts: names.map((one) => ({ name: one })),
    resourceTemplates: [{ name: 'item', uriTemplate: templateOf(name) }],
  }
}

function templateOf(name: string): string {
  return `${name}://item/{id}`
}

function ownPath(place: Place, cell: Cell, url: string): Path {
  const { name } = place
  const listed = fc.nat().map((id) => `${name}://item/${id}`)
  const more = ['unlisted', '', 'ü', '-']
  return {
    ...pathOf(place),
    url,
    shown: (own) => own,
    terrain: {
      ...terrainOf(place, cell),
      tools: [...names, ...more],
      prompts: [...names, ...more],
      uris: fc.oneof(listed, fc.webUrl(), fc.constantFrom('urn:x', 'ui://a/b', 'ü', '')),
      takesAnyMethod: true,
    },
  }
}

interface GroupAddress {
  readonly cell: Cell
  readonly url: string
  readonly wire: Wire
}

/** The same order as the server's own list: that is how the names are known, however they were made. */
async function groupPath(place: Place, { cell, url, wire }: GroupAddress): Promise<Path> {
  const client = await connect(cell.client, wire, url)
  const shown = await shownNames(client.ask, place.server.prefix)
  return {
    ...pathOf(place),
    url,
    shown: (own) => shown[names.indexOf(own)] ?? own,
    terrain: { ...terrainOf(place, cell), takesAnyMethod: false },
  }
}

async function shownNames(ask: (method: string) => Promise<Json>, prefix: string): Promise<readonly string[]> {
  const { result } = await ask('tools/list')
  const tools = (result as { readonly tools: readonly { readonly name: string }[] }).tools
  const own = tools.map(({ name }) => name).filter((name) => name.startsWith(prefix))
  if (own.length !== names.length) throw new Error(`${own.length} of ${names.length} tools are listed`)
  return own
}

function pathOf({ transport, behind, twins }: Place) {
  return { behind, twins, width: transport === 'http' ? WIDTH : 1 }
}

function terrainOf({ name, transport }: Place, cell: Cell) {
  return {
    cell,
    tools: names,
    prompts: names,
    uris: fc.nat().map((id) => `${name}://item/${id}`),
    templates: [templateOf(name)],
    hasStreams: transport === 'http',
  }
}

/** From a client straight to a server of its own era: whatever differs there is wrong with the comparison itself. */
export async function directPath(mirror: Mirror, era: Era): Promise<Path & { readonly terrain: Terrain }> {
  const place = await placeOf(mirror, era, 'http')
  const path = ownPath(place, { client: era, server: era }, place.behind.url ?? '')
  return path
}
