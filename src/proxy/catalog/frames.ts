import { type Era, envelope } from '../mcp/era.ts'
import { isRecord, type Params } from '../mcp/rpc.ts'
import type { Frame, Kind, Listing } from '../upstream/listing.ts'
import type { Offer } from './offer.ts'

/** What stands around the items of a list or beside a greeting. */
export interface Surrounding {
  readonly fields: Params
  /** Its `_meta`, an empty one too; undefined where nobody sent one. */
  readonly meta: Params | undefined
}

/** What the servers of a list said besides its items; of one field the first one's word. Most say nothing. */
export function surroundingOf(offers: readonly Offer[], part: Kind | 'greeting'): Surrounding {
  const talking = offers.filter(({ listing }) => listing && Object.keys(listing.frames[part].extra).length > 0)
  const extras = contributors(talking, part).map(({ listing }) => listing.frames[part].extra)
  const { _meta: _all, ...fields } = firstOf(extras)
  const metas = extras.flatMap(({ _meta: meta }) => (isRecord(meta) ? [meta] : []))
  const { [envelope.serverInfo]: _serverInfo, ...meta } = firstOf(metas)
  return { fields, meta: metas.length > 0 ? meta : undefined }
}

function firstOf(records: readonly Params[]): Params {
  // Member by member, since `__proto__` may be one.
  return Object.fromEntries(records.toReversed().flatMap((record) => Object.entries(record)))
}

const capabilities = { tools: 'tools', prompts: 'prompts', resources: 'resources', templates: 'resources' } as const

/** The servers whose answers a list is made of; all that are known have a greeting. */
function contributors(offers: readonly Offer[], part: Kind | 'greeting'): readonly Contributor[] {
  return offers.flatMap(({ server, listing }) => {
    if (!listing) return []
    const isOne = part === 'greeting' || isRecord(listing.capabilities[capabilities[part]])
    return isOne ? [{ server, listing }] : []
  })
}

interface Contributor {
  readonly server: string
  readonly listing: Listing
}

/** The text of the fields behind the items of a list, each with a comma before it; no brace. */
export function fieldsText({ fields, meta }: Surrounding, era: Era): string {
  const whole = era === 'legacy' && meta !== undefined ? { ...fields, _meta: meta } : fields
  const text = JSON.stringify(whole)
  return text === '{}' ? '' : `,${text.slice(1, -1)}`
}

export interface FreshnessOptions {
  /** Milliseconds since the lists of a server were last known to be its newest. */
  readonly age: (server: string) => number
  /** Whether whoever asks sees the same: no token is needed. */
  readonly isPublic: boolean
}

export interface Freshness {
  readonly ttlMs: number
  readonly cacheScope: Frame['scope']
}

/**
 * How long what several servers said may be kept, and for whom: as short as the shortest, and public only if all of it
 * is. A server that is not known yet may change it any moment. (MCP: Caching, 2026-07-28.)
 */
export function freshnessOf(
  offers: readonly Offer[],
  part: Kind | 'greeting',
  { age, isPublic }: FreshnessOptions,
): Freshness {
  const known = contributors(offers, part)
  const isWhole = known.length > 0 && offers.every(({ listing }) => listing)
  const remaining = known.map(({ server, listing }) => listing.frames[part].ttlMs - age(server))
  const isForAll = isPublic && isWhole && known.every(({ listing }) => listing.frames[part].scope === 'public')
  return {
    ttlMs: isWhole ? Math.max(0, Math.floor(Math.min(...remaining))) : 0,
    cacheScope: isForAll ? 'public' : 'private',
  }
}

/** What closes a modern list that is about to be served. */
export function listTail({ ttlMs, cacheScope }: Freshness, meta: Params): string {
  return `,"ttlMs":${ttlMs},"cacheScope":"${cacheScope}","_meta":${JSON.stringify(meta)}}`
}
