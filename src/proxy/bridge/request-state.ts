import { createHash } from 'node:crypto'
import { seal, unseal } from '../../shared/sealed.ts'
import type { Exchange } from '../mcp/exchange.ts'
import { isRecord, type Params, recordOf } from '../mcp/rpc.ts'

/** What a `requestState` says under its seal: which call it goes on with, and who may do so with which request. */
export interface Claims {
  /** The parked call; undefined when the retry begins anew. */
  readonly call: string | undefined
  readonly upstream: string
  readonly principal: string
  readonly digest: string
}

const LONGEST = 4096

/** Encrypted and authenticated: the client carries it, but can neither read nor change it. `ttl` in milliseconds. */
export function sealState({ call, ...claims }: Claims, key: Uint8Array, ttl: number): string {
  const exp = Math.floor((Date.now() + ttl) / 1000)
  return seal({ ...claims, ...(call !== undefined && { call }), exp }, key)
}

/** Undefined for whatever this key did not seal: foreign, broken and forged are all the same. */
export function openState(state: unknown, key: Uint8Array): Claims | 'expired' | undefined {
  if (typeof state !== 'string' || state.length > LONGEST) return undefined
  const { exp, ...claims } = recordOf(unseal(state, key))
  if (typeof exp !== 'number') return undefined
  return exp <= Math.floor(Date.now() / 1000) ? 'expired' : claimsOf(claims)
}

function claimsOf({ call, upstream, principal, digest }: Params): Claims | undefined {
  if (typeof upstream !== 'string' || typeof principal !== 'string' || typeof digest !== 'string') return undefined
  return { call: typeof call === 'string' ? call : undefined, upstream, principal, digest }
}

/** The params without what only a retry carries (MCP: Multi Round-Trip Requests). */
export function withoutAnswers(params: Params | undefined): Params | undefined {
  if (params?.inputResponses === undefined && params?.requestState === undefined) return params
  const { inputResponses: _responses, requestState: _state, ...rest } = params
  return rest
}

/**
 * What must be the same in a retry: method and params, but for what belongs to the one request (`_meta`) or to the retry
 * itself. The order of keys does not count.
 */
export function digestOf({ method, params }: Pick<Exchange, 'method' | 'params'>): string {
  const { _meta, ...asked } = withoutAnswers(params) ?? {}
  return createHash('sha256')
    .update(JSON.stringify([method, sorted(asked)]))
    .digest('base64url')
}

/** Objects as lists of their entries, marked so that no list is taken for one. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['[', ...value.map(sorted)]
  if (!isRecord(value)) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return ['{', ...entries.map(([key, one]) => [key, sorted(one)])]
}
