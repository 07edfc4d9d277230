/** One value that is not the same on both sides; undefined where a side does not have it. */
export interface Difference {
  /** Dotted, with list items that have a name under it: `groups.local-fast.port`. */
  readonly path: string
  readonly from: unknown
  readonly to: unknown
}

/** Where two documents differ, sorted by path; what one side lacks altogether is one difference, not many. */
export function differences(from: unknown, to: unknown, path = ''): Difference[] {
  const [left, right] = [childrenOf(from), childrenOf(to)]
  if (!left || !right) return isSame(from, to) ? [] : [{ path, from, to }]
  const keys = [...new Set([...left.keys(), ...right.keys()])].toSorted()
  return keys.flatMap((key) => differences(left.get(key), right.get(key), path === '' ? key : `${path}.${key}`))
}

function isSame(from: unknown, to: unknown): boolean {
  return JSON.stringify(from) === JSON.stringify(to)
}

/** What can be compared piece by piece: maps, and lists whose items have names. */
function childrenOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (Array.isArray(value)) return value.every(hasName) ? new Map(value.map((item) => [item.name, item])) : undefined
  if (typeof value !== 'object' || value === null) return undefined
  return new Map(Object.entries(value))
}

function hasName(value: unknown): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
}
