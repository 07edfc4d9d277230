import type { Entry, MapNode, Node } from './tree.ts'

/**
 * `over` on top of `under`: maps merge deep, scalars and lists replace. A `null` stays in the result, so that it still
 * deletes what a later merge puts under it; `prune` takes it out at the end.
 */
export function merge(under: MapNode, over: MapNode): MapNode {
  if (over.entries.size === 0) return under
  if (under.entries.size === 0) return over
  const entries = new Map(under.entries)
  for (const [key, entry] of over.entries) entries.set(key, mergeEntry(entries.get(key), entry))
  return { kind: 'map', entries, at: over.at }
}

/** Left to right, each on top of the ones before. */
export function mergeAll(first: MapNode, ...rest: readonly (MapNode | undefined)[]): MapNode {
  return rest.reduce<MapNode>((under, over) => (over === undefined ? under : merge(under, over)), first)
}

function mergeEntry(under: Entry | undefined, over: Entry): Entry {
  if (under?.value.kind !== 'map' || over.value.kind !== 'map') return over
  return { key: over.key, value: merge(under.value, over.value) }
}

/** Without the keys whose value is `null`, at every depth of maps; the very node where there are none. */
export function prune(node: MapNode): MapNode {
  if (!holdsNull(node)) return node
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) {
    if (isNull(entry.value)) continue
    entries.set(key, { key: entry.key, value: pruned(entry.value) })
  }
  return { kind: 'map', entries, at: node.at }
}

function pruned(node: Node): Node {
  if (node.kind === 'map') return prune(node)
  if (node.kind === 'list') return { ...node, items: node.items.map(pruned) }
  return node
}

/** Whether a map in it has a key whose value is `null`. */
function holdsNull(node: Node): boolean {
  if (node.kind === 'list') return node.items.some(holdsNull)
  if (node.kind === 'map')
    for (const { value } of node.entries.values()) if (isNull(value) || holdsNull(value)) return true
  return false
}

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null
}
