/** One value in which two resolved profiles differ. */
export interface Difference {
  /** JSON pointer with the names of groups and servers in place of their positions. */
  readonly pointer: string
  /** JSON text; undefined where there is no such value. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** Compares two profiles value by value, sorted by pointer. Give it masked ones to show the result to people. */
export function differences(before: object, after: object): Difference[] {
  const [left, right] = [flatten(before), flatten(after)]
  const pointers = [...new Set([...left.keys(), ...right.keys()])].sort()
  return pointers.flatMap((pointer) => {
    const difference = { pointer, before: left.get(pointer), after: right.get(pointer) }
    return difference.before === difference.after ? [] : [difference]
  })
}

function flatten(profile: object): Map<string, string> {
  const values = new Map<string, string>()
  walk(profile, '', values)
  return values
}

function walk(value: unknown, pointer: string, values: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) {
    values.set(pointer, JSON.stringify(value))
    return
  }
  const inner = Array.isArray(value)
    ? value.map((item, index) => [nameOf(item) ?? String(index), item])
    : Object.entries(value)
  if (inner.length === 0) values.set(pointer, JSON.stringify(value))
  for (const [key, item] of inner) walk(item, `${pointer}/${escapeKey(String(key))}`, values)
}

function nameOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || !('name' in item)) return undefined
  return typeof item.name === 'string' ? item.name : undefined
}

function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
