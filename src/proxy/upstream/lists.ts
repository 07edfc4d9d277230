import type { Log } from '../../shared/log.ts'
import { nestsTooDeep, weightOf } from '../mcp/depth.ts'
import { declarationsOf } from '../mcp/mirror.ts'
import { isError, isRecord, METHOD_NOT_FOUND, type Params } from '../mcp/rpc.ts'
import type { Connection } from './connection.ts'
import { bareFrame, type Frame, frameOf, type Item, joined, type Kind, kinds, type Listing } from './listing.ts'

const MAX_PAGES = 100
const MAX_ITEMS = 5000
/** In characters, about those of the JSON text. */
const MAX_WEIGHT = 16 * 1024 * 1024

const sources = {
  tools: { method: 'tools/list', field: 'tools', capability: 'tools' },
  resources: { method: 'resources/list', field: 'resources', capability: 'resources' },
  templates: { method: 'resources/templates/list', field: 'resourceTemplates', capability: 'resources' },
  prompts: { method: 'prompts/list', field: 'prompts', capability: 'prompts' },
} as const satisfies Record<Kind, { method: string; field: string; capability: string }>

const identities = {
  tools: 'name',
  resources: 'uri',
  templates: 'uriTemplate',
  prompts: 'name',
} as const satisfies Record<Kind, string>

export interface FetchOptions {
  readonly connection: Connection
  /** What a kind falls back to when the server's pages do not end. */
  readonly previous: Listing | undefined
  readonly signal: AbortSignal
  readonly log: Log
  /** Told when the server answers with an error that may pass where it has a list. */
  readonly refused?: () => void
}

interface Fetching extends FetchOptions {
  /** Of all lists together. */
  readonly budget: { left: number }
}

/** Everything the server declares, all kinds at once, each page after the other. Rejects when the way to it fails. */
export async function fetchListing(asked: FetchOptions): Promise<Listing> {
  const options = { ...asked, budget: { left: MAX_WEIGHT } }
  const { frame: greeting, ...said } = options.connection.greeting
  const [tools, resources, templates, prompts] = await Promise.all([
    fetchTools(options),
    fetchKind('resources', options),
    fetchKind('templates', options),
    fetchKind('prompts', options),
  ])
  return {
    ...said,
    era: options.connection.era,
    tools: tools.items,
    resources: resources.items,
    templates: templates.items,
    prompts: prompts.items,
    frames: {
      tools: tools.frame,
      resources: resources.frame,
      templates: templates.frame,
      prompts: prompts.frame,
      greeting,
    },
  }
}

/** Whether the server says of every list it has when that changes. */
export function announcesChanges(capabilities: Params): boolean {
  const lists = Object.values(sources).map(({ capability }) => capabilities[capability])
  return lists.every((list) => !isRecord(list) || list.listChanged === true)
}

/** How long the lists hold in milliseconds, as far as the server says; undefined when it says nothing. */
export function shortestLife({ frames }: Listing): number | undefined {
  const lives = kinds.map((kind) => frames[kind].ttlMs).filter((ms) => ms > 0)
  return lives.length === 0 ? undefined : Math.min(...lives)
}

interface Fetched {
  readonly items: readonly Item[]
  readonly frame: Frame
}

/** A tool whose headers nobody could send is not offered (MCP: Custom Headers from Tool Parameters). */
async function fetchTools(options: Fetching): Promise<Fetched> {
  const { connection, log } = options
  const { items, frame } = await fetchKind('tools', options)
  if (connection.era === 'legacy' || connection.transport === 'stdio') return { items, frame }
  const usable = items.filter(({ name, inputSchema }) => {
    const declared = declarationsOf(inputSchema)
    if ('invalid' in declared) log.warn('a tool is left out', { tool: name, reason: declared.invalid })
    return !('invalid' in declared)
  })
  return { items: usable, frame }
}

async function fetchKind(kind: Kind, options: Fetching): Promise<Fetched> {
  const { connection, previous, log, refused } = options
  const { capability, method } = sources[kind]
  if (!isRecord(connection.greeting.capabilities[capability])) return none
  const { items, frame = bareFrame, problem, error } = await fetchPages(kind, options)
  const twice = firstTwin(items, identities[kind])
  if (twice !== undefined) log.warn('a list has two of one name', { method, name: twice })
  if (problem === undefined) return { items, frame }
  log.warn('a list is not as it should be', { method, problem })
  if (error === METHOD_NOT_FOUND) return none
  if (error !== undefined) refused?.()
  return previous ? { items: previous[kind], frame: previous.frames[kind] } : { items, frame }
}

/** The name that stands there more than once: calls by it are the server's to tell apart. */
function firstTwin(items: readonly Item[], identity: string): unknown {
  const seen = new Set<unknown>()
  return items.find(({ [identity]: name }) => seen.size === seen.add(name).size)?.[identity]
}

const none: Fetched = { items: [], frame: bareFrame }

interface Pages {
  readonly items: readonly Item[]
  readonly frame?: Frame | undefined
  readonly problem?: string
  /** The code of the error that came instead. */
  readonly error?: number
}

async function fetchPages(kind: Kind, { connection, signal, budget }: Fetching): Promise<Pages> {
  const { method, field } = sources[kind]
  const items: Item[] = []
  const cursors = new Set<unknown>()
  let cursor: unknown
  let frame: Frame | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await connection.ask(method, cursor === undefined ? undefined : { cursor }, signal)
    if (isError(answer)) {
      const { code } = answer.error
      return { items, problem: `error ${code}`, error: code }
    }
    if (nestsTooDeep(answer.result)) return { items, problem: 'nested too deeply' }
    const { [field]: found, nextCursor } = answer.result
    if (!Array.isArray(found)) return { items, problem: `no "${field}" in the answer` }
    budget.left -= weightOf(found)
    if (budget.left < 0) return { items, frame, problem: 'the lists are larger than 16 MiB' }
    for (const item of found) if (isRecord(item) && items.length <= MAX_ITEMS) items.push(item)
    frame = joined(frame, frameOf(answer.result, [field]))
    if (items.length > MAX_ITEMS)
      return { items: items.slice(0, MAX_ITEMS), frame, problem: `more than ${MAX_ITEMS} items` }
    if (nextCursor === undefined || nextCursor === null || nextCursor === '') return { items, frame }
    if (cursors.has(nextCursor)) return { items, frame, problem: 'the same cursor twice' }
    cursors.add(nextCursor)
    cursor = nextCursor
  }
  return { items, frame, problem: `more than ${MAX_PAGES} pages` }
}
