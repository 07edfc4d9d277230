import { pinNamed } from '../../config/lock-data.ts'
import type { Pins } from '../../config/profile.ts'
import { type DriftChange, type PinnedKind, pinnedKinds } from '../../shared/drift.ts'
import type { Item, Listing } from '../upstream/listing.ts'
import { keys } from './piece.ts'
import { changedFields, digestOf, isWidened, pinOf } from './pin.ts'

/** One difference between what is locked and what a server says. */
export interface Finding {
  readonly kind: PinnedKind | 'instructions'
  /** Empty for instructions. */
  readonly name: string
  readonly change: DriftChange
  readonly fields: readonly string[]
  /** What the server says now; undefined when it says it no more. */
  readonly now: Item | string | undefined
  /** What was locked, by its digest; undefined where that is nothing. */
  readonly was: string | undefined
}

/** Everything in which a server's lists are not as they were locked, in the order of the lists, what is gone at the end. */
export function compare(pins: Pins, listing: Listing): readonly Finding[] {
  const lists = pinnedKinds.flatMap((kind) => [...present(kind, pins, listing), ...gone(kind, pins, listing)])
  return [...instructions(pins, listing), ...lists]
}

function instructions(pins: Pins, { instructions: now }: Listing): Finding[] {
  const digest = now === undefined ? null : digestOf(now)
  if (digest === pins.instructions) return []
  const change = digest === null ? 'removed' : pins.instructions === null ? 'new' : 'changed'
  return [{ kind: 'instructions', name: '', change, fields: [], now, was: pins.instructions ?? undefined }]
}

function present(kind: PinnedKind, pins: Pins, listing: Listing): Finding[] {
  return listing[kind].flatMap((item): Finding[] => {
    const name = item[keys[kind]]
    if (typeof name !== 'string') return []
    const pin = pinNamed(pins[kind], name)
    const now = pinOf(kind, item)
    if (pin === undefined) return [{ kind, name, change: 'new', fields: [], now: item, was: undefined }]
    if (pin.digest === now.digest) return []
    const change = kind === 'tools' && isWidened(item, pin) ? 'widened' : 'changed'
    return [{ kind, name, change, fields: changedFields(pin, now), now: item, was: pin.digest }]
  })
}

function gone(kind: PinnedKind, pins: Pins, listing: Listing): Finding[] {
  const names = new Set(listing[kind].map((item) => item[keys[kind]]))
  return Object.entries(pins[kind]).flatMap(([name, { digest }]) =>
    names.has(name) ? [] : [{ kind, name, change: 'removed', fields: [], now: undefined, was: digest }],
  )
}
