import type { Group } from './profile.ts'
import type { SelectedGroup } from './select.ts'

/** A group as resolved, beside what of the files it came from. */
export interface CheckedGroup {
  readonly group: Group
  readonly selected: SelectedGroup
}
