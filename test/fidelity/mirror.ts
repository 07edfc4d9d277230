import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from '../../src/config/profile.ts'
import { fixturePath, startFixture } from '../helpers/fixture.ts'
import { serverOf } from '../helpers/group.ts'
import { freePort } from '../helpers/ports.ts'
import type { Era } from './cells.ts'

export type Json = Readonly<Record<string, unknown>>

/** What a mirror says of itself and lists. */
export interface MirrorCatalog {
  /** The result of `initialize`, but for the revision. */
  readonly initialize: Json
  /** The result of `server/discover`, but for the revisions. */
  readonly discover: Json
  readonly tools?: readonly Json[]
  readonly prompts?: readonly Json[]
  readonly resources?: readonly Json[]
  readonly resourceTemplates?: readonly Json[]
  /** Items on one page of a list. */
  readonly pageSize?: number
  /** Further members of list results, by method. */
  readonly extra?: Readonly<Record<string, Json>>
}

/** One server of a mirror: its control, for tests. */
export interface MirrorServer {
  readonly era: Era
  /** Where a client of its own era reaches it directly; undefined on pipes. */
  readonly url: string | undefined
  /** What it was sent under each of these keys, in order; it forgets them. */
  received(keys: readonly string[]): Promise<readonly (readonly Json[])[]>
  /** Replaces what it lists and sends these notifications. */
  load(catalog: MirrorCatalog, notify?: readonly string[]): Promise<void>
  /** How many streams there are for messages that belong to no request. */
  listeners(): Promise<number>
  /** Sends a message that belongs to no request. */
  broadcast(message: Json): Promise<void>
}

export interface Mirror extends AsyncDisposable {
  server(era: Era, name: string): MirrorServer
}

/** A process that is as many servers over HTTP as there are names. */
export async function startMirror(env: Readonly<Record<string, string>> = {}): Promise<Mirror> {
  const fixture = await startFixture('mirror', ['http', '0'], env)
  return {
    server: (era, name) => {
      const base = `${fixture.address}/${era}/${name}`
      return { era, url: `${base}/mcp`, ...controlOf(base) }
    },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  }
}

/** A mirror on pipes: the definition the proxy starts it by, and its control once it runs. */
export async function pipedMirror(name: string, era: Era, catalog: MirrorCatalog) {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-'))
  const file = join(folder, 'catalog.json')
  await writeFile(file, JSON.stringify(catalog))
  const control = await freePort()
  const server: Server = serverOf(name, {
    protocol: era,
    transport: {
      kind: 'stdio',
      command: process.execPath,
      args: [fixturePath('mirror'), 'stdio', era],
      env: { CONTROL: String(control), CATALOG: file },
      cwd: '/',
    },
  })
  const mirror: MirrorServer = { era, url: undefined, ...controlOf(`http://127.0.0.1:${control}/${era}/${name}`) }
  return { server, mirror, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

function controlOf(base: string): Omit<MirrorServer, 'era' | 'url'> {
  const order = async (verb: string, body: unknown): Promise<unknown> =>
    (await fetch(`${base}/${verb}`, { method: 'POST', body: JSON.stringify(body) })).json()
  return {
    received: async (keys) => (await order('received', keys)) as readonly (readonly Json[])[],
    load: async (catalog, notify = []) => void (await order('catalog', { ...catalog, notify })),
    listeners: async () => Number(await order('listeners', null)),
    broadcast: async (message) => void (await order('broadcast', message)),
  }
}
