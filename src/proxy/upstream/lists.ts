import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../../shared/log.ts'
import { isError, isRecord, METHOD_NOT_FOUND } from '../rpc.ts'
import type { Connection } from './connection.ts'
import { bareFrames, type Item, type Kind, kinds, type Listing } from './listing.ts'

const MAX_PAGES = 100
const MAX_ITEMS = 5000

const sources = {
  tools: { method: 'tools/list', field: 'tools', capability: 'tools' },
  resources: { method: 'resources/list', field: 'resources', capability: 'resources' },
  templates: { method: 'resources/templates/list', field: 'resourceTemplates', capability: 'resources' },
  prompts: { method: 'prompts/list', field: 'prompts', capability: 'prompts' },
} as const satisfies Record<Kind, { method: string; field: string; capability: string }>

export interface FetchOptions {
  readonly connection: Connection
  /** What a kind falls back to when the server's pages do not end. */
  readonly previous: Listing | undefined
  readonly signal: AbortSignal
  readonly log: Log
}

/** Everything the server declares, all kinds at once, each page after the other. Rejects when the way to it fails. */
export async function fetchListing(options: FetchOptions): Promise<Listing> {
  const { greeting } = options.connection
  const [tools, resources, templates, prompts] = await Promise.all(kinds.map((kind) => fetchKind(kind, options)))
  return {
    ...greeting,
    era: options.connection.era,
    frames: bareFrames,
    tools: tools ?? [],
    resources: resources ?? [],
    templates: templates ?? [],
    prompts: prompts ?? [],
  }
}

/** Whether two listings offer the same, in the same order. */
export function isSame(one: Listing | undefined, other: Listing): boolean {
  return isDeepStrictEqual(one, other)
}

async function fetchKind(kind: Kind, options: FetchOptions): Promise<readonly Item[]> {
  const { connection, previous, log } = options
  const { capability, method } = sources[kind]
  if (!isRecord(connection.greeting.capabilities[capability])) return []
  const outcome = await fetchPages(kind, options)
  if (outcome.problem === undefined) return outcome.items
  log.warn('a list is not as it should be', { method, problem: outcome.problem })
  return outcome.isUnknown ? [] : (previous?.[kind] ?? outcome.items)
}

interface Pages {
  readonly items: readonly Item[]
  readonly problem?: string
  /** The server declares the capability but has no such list. */
  readonly isUnknown?: boolean
}

async function fetchPages(kind: Kind, { connection, signal }: FetchOptions): Promise<Pages> {
  const { method, field } = sources[kind]
  const items: Item[] = []
  const cursors = new Set<unknown>()
  let cursor: unknown
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await connection.ask(method, cursor === undefined ? undefined : { cursor }, signal)
    if (isError(answer)) {
      const { code } = answer.error
      return { items, problem: `error ${code}`, isUnknown: code === METHOD_NOT_FOUND }
    }
    const { [field]: found, nextCursor } = answer.result
    if (!Array.isArray(found)) return { items, problem: `no "${field}" in the answer` }
    items.push(...found.filter(isRecord))
    if (nextCursor === undefined || nextCursor === null || nextCursor === '') return { items }
    if (items.length >= MAX_ITEMS) return { items: items.slice(0, MAX_ITEMS), problem: `more than ${MAX_ITEMS} items` }
    if (cursors.has(nextCursor)) return { items, problem: 'the same cursor twice' }
    cursors.add(nextCursor)
    cursor = nextCursor
  }
  return { items, problem: `more than ${MAX_PAGES} pages` }
}
