import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void

/** What a scavenge found alive often enough is in the old space, until a full collection: bytes. */
export function oldSpace(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
}

/** Scavenges as often as it takes to make everything alive old. */
export function growOld(): void {
  for (let at = 0; at < 3; at++) collect({ type: 'minor' })
}

/** A full collection. */
export function collectAll(): void {
  collect()
}
