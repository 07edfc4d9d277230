import { isRecord, type Params, recordOf } from './rpc.ts'

/** The `_meta` of params, a result or an item; empty where there is none, or none that is an object. */
export function metaOf(whole: Params | undefined): Params {
  return recordOf(whole?._meta)
}

/** The same with some more keys in its `_meta`. */
export function withMeta(whole: Params | undefined, keys: Params): Params {
  return { ...whole, _meta: { ...metaOf(whole), ...keys } }
}

/** The same without one key of `_meta`, and without `_meta` when nothing else was in it. */
export function withoutMeta(whole: Params, key: string): Params {
  const { _meta: meta, ...rest } = whole
  if (!isRecord(meta) || !(key in meta)) return whole
  const { [key]: _gone, ...others } = meta
  return Object.keys(others).length === 0 ? rest : { ...rest, _meta: others }
}
