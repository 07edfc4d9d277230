import { isRecord, type Params } from '../rpc.ts'

/** The revision spoken with modern servers; it stands in every request. */
export const MODERN_VERSION = '2026-07-28'

/** Keys of `_meta` that the era without sessions reserves (MCP: General fields, 2026-07-28). */
export const metaKeys = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** Errors that only a server of the modern era answers with. */
export const HEADER_MISMATCH = -32020
export const MISSING_CAPABILITY = -32021
export const UNSUPPORTED_VERSION = -32022

/** The parameters of a request the proxy makes for itself: it can do nothing for the server, and wants no logs. */
export function enveloped(params: Params | undefined, clientInfo: Params): Params {
  const meta = { [metaKeys.version]: MODERN_VERSION, [metaKeys.clientInfo]: clientInfo, [metaKeys.capabilities]: {} }
  return { ...params, _meta: meta }
}

/** The value of one key of `_meta`. */
export function metaOf(params: Params | undefined, key: string): unknown {
  const meta = params?._meta
  return isRecord(meta) ? meta[key] : undefined
}

/** The same without one key of `_meta`, and without `_meta` when nothing else was in it. */
export function withoutMeta(params: Params, key: string): Params {
  const { _meta: meta, ...rest } = params
  if (!isRecord(meta) || !(key in meta)) return params
  const { [key]: _gone, ...others } = meta
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others }
}
