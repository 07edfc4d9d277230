import { createHash } from 'node:crypto'
import { Recent } from '../../shared/recent.ts'
import type { Listing } from '../upstream/listing.ts'
import type { View } from './view.ts'

/** What a client's own upstreams list, by server, in place of what the shared ones do. */
export type Overlay = ReadonlyMap<string, Listing>

/** Views kept beside those of the shared lists: clients of one kind see the same. */
const MOST = 64

const digests = new WeakMap<Listing, string>()

/** Equal for listings with the same content, whichever connection they came over; made once per listing. */
function digestOf(listing: Listing): string {
  const known = digests.get(listing)
  if (known !== undefined) return known
  const digest = createHash('sha256').update(JSON.stringify(listing)).digest('base64url')
  digests.set(listing, digest)
  return digest
}

/** What of an overlay differs from the shared listings; undefined when nothing does. */
export function differing(overlay: Overlay, shared: (server: string) => Listing | undefined): Overlay | undefined {
  const other = [...overlay].filter(([server, listing]) => {
    const common = shared(server)
    return common === undefined || digestOf(common) !== digestOf(listing)
  })
  return other.length === 0 ? undefined : new Map(other)
}

/** Views by what makes them differ, the newest sixty-four. */
export class OverlaidViews {
  #views = new Recent<View>(MOST)

  /** The view for these lists on this address, made with `build` if it is not there. */
  get(server: string | undefined, overlay: Overlay, build: () => View | undefined): View | undefined {
    const key = [server ?? '', ...[...overlay].map(([name, listing]) => `${name}=${digestOf(listing)}`)].join('\n')
    const view = this.#views.get(key) ?? build()
    if (!view) return undefined
    this.#views.set(key, view)
    return view
  }

  clear(): void {
    this.#views = new Recent(MOST)
  }
}
