import { isRecord, type Params } from '../mcp/rpc.ts'

/** What may point to a user interface: a tool, or the result of one. (MCP Apps: `_meta.ui.resourceUri`, once flat.) */
type Pointer = Params

/** The URIs it points to. */
export function uiOf({ _meta: meta }: Pointer): string[] {
  if (!isRecord(meta)) return []
  const uris = [meta['ui/resourceUri'], isRecord(meta.ui) ? meta.ui.resourceUri : undefined]
  return uris.filter((uri) => typeof uri === 'string')
}

/** The same, pointing to what is shown, in either place; the very same object when that is no other. */
export function markUi<T extends Pointer>(item: T, marked: ReadonlyMap<string, string> | undefined): T {
  const meta = item._meta
  if (!marked || !isRecord(meta)) return item
  const flat = shownUri(meta['ui/resourceUri'], marked)
  const nested = isRecord(meta.ui) ? shownUri(meta.ui.resourceUri, marked) : undefined
  if (flat === undefined && nested === undefined) return item
  const ui = nested !== undefined && isRecord(meta.ui) ? { ui: { ...meta.ui, resourceUri: nested } } : {}
  return { ...item, _meta: { ...meta, ...ui, ...(flat !== undefined && { 'ui/resourceUri': flat }) } }
}

function shownUri(uri: unknown, marked: ReadonlyMap<string, string>): string | undefined {
  return typeof uri === 'string' ? marked.get(uri) : undefined
}
