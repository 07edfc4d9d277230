import picomatch from 'picomatch'
import type { Filter } from '../../config/profile.ts'
import type { Item } from '../upstream/listing.ts'

/** What the profile says about one kind of a server's items, by the server's own names (resources: by URI). */
export interface Policy {
  isVisible(own: string): boolean
  /** The name to show, before the prefix. */
  rename(own: string): string
  /** The item with the profile's fields in place of its own; the same object when there are none. */
  override(own: string, item: Item): Item
}

export function policyOf(filter: Filter): Policy {
  const isAllowed = filter.allow === 'all' ? () => true : matcher(filter.allow)
  const isDenied = matcher(filter.deny)
  const renames = new Map(Object.entries(filter.rename))
  const overrides = new Map(Object.entries(filter.override))
  return {
    isVisible: (own) => isAllowed(own) && !isDenied(own),
    rename: (own) => renames.get(own) ?? own,
    override: (own, item) => {
      const fields = overrides.get(own)
      return fields ? { ...item, ...fields } : item
    },
  }
}

/** Globs over whole names: a star also crosses slashes and dots, since names and URIs are not paths. */
function matcher(globs: readonly string[]): (text: string) => boolean {
  if (globs.length === 0) return () => false
  const exact = new Set(globs)
  const matches = picomatch([...globs], { bash: true, dot: true, nonegate: true })
  return (text) => exact.has(text) || matches(text)
}
