import type { Place } from './source.ts'

/** A value of a file that knows where it stands, so that merging and resolving can still point at the user's line. */
export type Node = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As written, without quotes: what a text is made of, so that `1.0` and `0777` stay what they are. */
  readonly text: string
  /** Unquoted: only such a scalar may become a number or a boolean after interpolation. */
  readonly plain: boolean
  readonly at: Place
}

interface ListNode {
  readonly kind: 'list'
  readonly items: readonly Node[]
  readonly at: Place
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
  readonly at: Place
}

export interface Entry {
  readonly key: Place
  readonly value: Node
}

export function emptyMap(at: Place): MapNode {
  return { kind: 'map', entries: new Map(), at }
}

/** The value under a key; undefined when the node is no map or has no such key. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}

/** The entries of a map; none for anything else. */
export function entriesOf(node: Node | undefined): readonly (readonly [string, Entry])[] {
  return node?.kind === 'map' ? [...node.entries] : []
}

/** The items of a list; a single scalar or map counts as a list of one, absence as none. */
export function itemsOf(node: Node | undefined): readonly Node[] {
  if (node === undefined || isNull(node)) return []
  return node.kind === 'list' ? node.items : [node]
}

function isNull(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.value === null
}

/** The text of a scalar that is not null. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.text : undefined
}

/** The map without some keys. */
export function without(node: MapNode, keys: readonly string[]): MapNode {
  const entries = new Map([...node.entries].filter(([key]) => !keys.includes(key)))
  return { ...node, entries }
}

/** The map with some keys only. */
export function only(node: Node | undefined, keys: readonly string[], at: Place): MapNode {
  const entries = new Map(entriesOf(node).filter(([key]) => keys.includes(key)))
  return { kind: 'map', entries, at: node?.at ?? at }
}

/** Plain data for a validator. Maps have no prototype, so that no key of a file means anything to JavaScript. */
export function toData(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toData)
  const data: Record<string, unknown> = Object.create(null)
  for (const [key, entry] of node.entries) data[key] = toData(entry.value)
  return data
}
