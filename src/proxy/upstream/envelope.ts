import { envelope } from '../mcp/era.ts'
import { isRecord, type Params } from '../mcp/rpc.ts'
import type { Declaration } from './connection.ts'

/** The revision spoken with modern servers; it stands in every request. */
export const MODERN_VERSION = '2026-07-28'

/**
 * The parameters of a request the proxy makes for itself. It declares all that some client may be able to do, so that a
 * server lists what needs it; roots too: whoever calls here is asked with the result of its own call. It wants no logs.
 */
export function enveloped(params: Params | undefined, { clientInfo, capabilities }: Declaration): Params {
  const meta = {
    [envelope.version]: MODERN_VERSION,
    [envelope.clientInfo]: clientInfo,
    [envelope.capabilities]: { roots: {}, ...capabilities },
  }
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
