import type { Item, Kind } from '../upstream/listing.ts'

/** A modern server's listed item as a legacy client can take it; the same object when nothing stands in the way. */
export function legacyItem(_kind: Kind, item: Item): Item {
  return item
}

/** A legacy server's listed item as a modern client can take it; the same object when nothing stands in the way. */
export function modernItem(_kind: Kind, item: Item): Item {
  return item
}
