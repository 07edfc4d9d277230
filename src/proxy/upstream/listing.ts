import type { Era } from '../era.ts'
import type { Params } from '../rpc.ts'

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

/** No frames yet: what every list of a legacy server has. */
export const bareFrames: Listing['frames'] = {
  tools: bareFrame,
  resources: bareFrame,
  templates: bareFrame,
  prompts: bareFrame,
  greeting: bareFrame,
}
