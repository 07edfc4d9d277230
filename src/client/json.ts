/** A JSON object from a server: nothing in it is certain. */
export type Json = Readonly<Record<string, unknown>>

/** The value if it is a list, else nothing. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value if it is a string, else an empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
