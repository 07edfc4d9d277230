import { legacyItem, modernItem } from '../bridge/items.ts'
import type { Era } from '../mcp/era.ts'
import { withMeta } from '../mcp/meta.ts'
import type { Item, Kind } from '../upstream/listing.ts'

/** Where a name or URI leads. */
export interface Target {
  readonly server: string
  /** The server's own name, URI or URI template. */
  readonly own: string
}

/** One item as it may be shown: still under the server's own name, the profile's overrides in place. */
export interface Shown {
  /** The server's own name, URI or URI template. */
  readonly own: string
  /** The name on the group's own address; URIs and URI templates stay what they are. */
  readonly shown: string
  /** The shown name before it was cut to what hosts accept; undefined where it did not have to be. */
  readonly whole?: string
  readonly item: Item
  /** It keeps its name, so that nobody else gets it, but is in no list; a call of it is refused on its way. */
  readonly isBlocked?: boolean
}

/** What one server puts into one list: names, where they lead, and the items as bytes with commas between them. */
export interface Piece {
  readonly names: readonly string[]
  /** Of the names, in the same order. */
  readonly targets: readonly Target[]
  /** One and the same where both eras see the same. */
  readonly bytes: Readonly<Record<Era, Buffer>>
  /** Whether no two of its names are equal. */
  readonly isDistinct: boolean
}

/** The field that identifies an item of each kind. */
export const keys = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  templates: 'uriTemplate',
} as const satisfies Record<Kind, string>

export interface PieceParts {
  readonly server: string
  /** The server's own; undefined while its lists are not known. */
  readonly era: Era | undefined
  readonly kind: Kind
  /** Under the names they are shown by. */
  readonly items: readonly Shown[]
}

const nothing = Buffer.alloc(0)
const empty: Piece = { names: [], targets: [], bytes: { legacy: nothing, modern: nothing }, isDistinct: true }

/** The most expensive step from a server's list to a client's: all that is parsed becomes text again. */
export function pieceOf({ server, era, kind, items }: PieceParts): Piece {
  if (items.length === 0) return empty
  const listed = items.filter(({ isBlocked }) => !isBlocked)
  const forms = listed.map((shown) => formsOf(kind, named(kind, shown), era))
  const names = items.map(({ shown }) => shown)
  const legacy = bytesOf(forms.map((form) => form.legacy))
  const isOne = forms.every((form) => form.legacy === form.modern)
  return {
    names,
    targets: items.map(({ own }) => ({ server, own })),
    bytes: { legacy, modern: isOne ? legacy : bytesOf(forms.map((form) => form.modern)) },
    isDistinct: new Set(names).size === names.length,
  }
}

function bytesOf(items: readonly Item[]): Buffer {
  return Buffer.from(JSON.stringify(items).slice(1, -1))
}

/** A cut name says whose it is no more: the whole one goes along for those who want to know. */
function named(kind: Kind, { item, shown, whole }: Shown): Item {
  const renamed = { ...item, [keys[kind]]: shown }
  return whole === undefined ? renamed : withMeta(renamed, { 'mcpctl/name': whole })
}

/** An item as each era's clients can take it: mostly one and the same. */
export function formsOf(kind: Kind, item: Item, era: Era | undefined): Readonly<Record<Era, Item>> {
  if (era === 'modern') return { legacy: legacyItem(kind, item), modern: item }
  return { legacy: item, modern: modernItem(kind, item) }
}
