import { type Era, envelope } from '../mcp/era.ts'
import { withoutMeta } from '../mcp/meta.ts'
import type { Params } from '../mcp/rpc.ts'

/** What one server offers, raw as it said it: names are its own bare ones, unknown fields are all there. */
export interface Listing {
  readonly era: Era
  readonly protocolVersion: string
  readonly serverInfo: Params
  readonly capabilities: Params
  readonly instructions: string | undefined
  readonly tools: readonly Item[]
  readonly resources: readonly Item[]
  readonly templates: readonly Item[]
  readonly prompts: readonly Item[]
  /** What else the answers said, per list; `greeting` is that of `initialize` or `server/discover`. */
  readonly frames: Readonly<Record<Kind | 'greeting', Frame>>
}

/** A tool, resource, resource template or prompt as listed. */
export type Item = Params

export const kinds = ['tools', 'resources', 'templates', 'prompts'] as const
export type Kind = (typeof kinds)[number]

/** What stands around the items of a list, and how long the whole is good for (MCP: Caching, 2026-07-28). */
export interface Frame {
  /** Fields of the result that are neither the items, nor a cursor, nor named below or by the era's envelope. */
  readonly extra: Params
  /** Milliseconds; 0 where the server says nothing. */
  readonly ttlMs: number
  readonly scope: 'public' | 'private'
}

/** Of a server that says nothing: stale at once, for nobody else. */
export const bareFrame: Frame = { extra: {}, ttlMs: 0, scope: 'private' }

/** Of the era's envelope, or told otherwise: no part of what is passed on. */
const ownFields = ['nextCursor', 'resultType', 'ttlMs', 'cacheScope']

/** What stands around the content of one result, whose fields are named. */
export function frameOf(result: Params, content: readonly string[]): Frame {
  const rest = withoutMeta(result, envelope.serverInfo)
  const extra = Object.entries(rest).filter(([field]) => !ownFields.includes(field) && !content.includes(field))
  return { extra: Object.fromEntries(extra), ttlMs: ttlOf(result), scope: scopeOf(result) }
}

/** One frame for two pages of a list: the shorter life and the narrower scope count for the whole. */
export function joined(one: Frame | undefined, other: Frame): Frame {
  if (!one) return other
  return {
    extra: { ...one.extra, ...other.extra },
    ttlMs: Math.min(one.ttlMs, other.ttlMs),
    scope: one.scope === 'public' ? other.scope : one.scope,
  }
}

function ttlOf({ ttlMs }: Params): number {
  return typeof ttlMs === 'number' && ttlMs > 0 ? ttlMs : 0
}

function scopeOf({ cacheScope }: Params): Frame['scope'] {
  return cacheScope === 'public' ? 'public' : 'private'
}

const LIST_CHANGED = /^notifications\/(tools|prompts|resources)\/list_changed$/

/** Whether a server's notification of that method says that one of its lists is another one now, in either era. */
export function isListChange(method: string): boolean {
  return LIST_CHANGED.test(method)
}
