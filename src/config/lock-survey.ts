import type { Drift } from '../shared/drift.ts'
import type { LockedServer } from './lock-data.ts'

/** What stands behind a digest: the pinned fields of an item, or instructions. */
export type Said = Readonly<Record<string, unknown>> | string

/** What became of asking one server what it says of itself, and how that compares with what is locked. */
export type Surveyed = { readonly name: string } & (
  | { readonly state: 'unreachable' | 'authRequired'; readonly reason: string }
  | {
      readonly state: 'known'
      /** As it would be locked now. */
      readonly entry: LockedServer
      /** Everything in which that is not what is locked; all of it where nothing is. */
      readonly drifts: readonly Drift[]
      /** By digest, all that is in the entry. */
      readonly texts: Readonly<Record<string, Said>>
      /** Tools it lists more than once. */
      readonly repeated: readonly string[]
    }
)
