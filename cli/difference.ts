/** One value that is not the same on both sides; undefined where a side does not have it. */
export interface Difference {
  /** Dotted, with list items that have a name under it: `groups.local-fast.port`. */
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** Every leaf in which two documents differ, sorted by path. */
export function differences(from: unknown, to: unknown): Difference[] {
  const left = new Map(leaves(from, ''))
  const right = new Map(leaves(to, ''))
  const paths = [...new Set([...left.keys(), ...right.keys()])].toSorted()
  return paths
    .map((path) => ({ path, from: left.get(path), to: right.get(path) }))
    .filter((pair) => JSON.stringify(pair.from) !== JSON.stringify(pair.to))
}

function leaves(value: unknown, path: string): [string, unknown][] {
  const children = childrenOf(value)
  if (children.length === 0) return [[path, value]]
  return children.flatMap(([key, child]) => leaves(child, path === '' ? key : `${path}.${key}`))
}

function childrenOf(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.every(hasName) ? value.map((item) => [item.name, item]) : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
}

function hasName(value: unknown): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
}
