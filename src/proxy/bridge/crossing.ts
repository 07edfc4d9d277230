import type { Server } from '../../config/profile.ts'
import type { Listing } from '../upstream/listing.ts'
import type { Parking } from './parking.ts'

/** Where calls cross from one era to the other: what of one server the translation needs to know. */
export interface Crossing {
  /** The server's name. */
  readonly upstream: string
  /** As it is configured now. */
  readonly server: Server
  readonly parking: Parking
  /** What the server lists now. */
  readonly listing: () => Listing | undefined
}
