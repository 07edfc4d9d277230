import type { News } from '../audience/news.ts'
import type { Remembered } from '../audience/remembered.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Listener } from '../downstream/asker.ts'
import type { LegacyEndpoint } from '../downstream/legacy.ts'
import type { Listens } from '../downstream/listens.ts'
import type { Session } from '../downstream/session.ts'
import type { Sessions } from '../downstream/sessions.ts'
import type { SseEndpoint } from '../downstream/sse.ts'
import type { Seats } from '../servers/seats.ts'
import { kinds } from '../upstream/listing.ts'
import type { Wishes } from './word.ts'

/** What of a group goes from one generation of its proxy to the next, and how it is taken up there. */
export interface Estate {
  readonly sessions: Sessions
  readonly sessionStreams: LegacyEndpoint
  readonly conversations: SseEndpoint
  readonly listens: Listens
  /** Resolves when every server is up, has failed once or has spent its connect timeout. */
  readonly settled: () => Promise<void>
  /** Of the lists as they are. */
  readonly epoch: () => string
  /** Whether clients may still have to be told of a change of them. */
  readonly isTelling: () => boolean
  /** Tells somebody that the lists are other ones. */
  readonly told: (listener: Listener) => void
  /** Arranges for what a session wants of servers. Never rejects. */
  readonly arrange: (session: Session, wishes: Wishes) => Promise<void>
}

export interface EstateParts
  extends Pick<Estate, 'sessions' | 'sessionStreams' | 'conversations' | 'listens' | 'epoch'> {
  readonly seats: Pick<Seats, 'settled'>
  readonly catalog: Catalog
  readonly news: News
  readonly wishes: Remembered
}

export function estateOf({ seats, catalog, news, wishes, ...parts }: EstateParts): Estate {
  return {
    ...parts,
    settled: () => seats.settled(),
    isTelling: () => catalog.isTelling,
    told: (listener) => news.told(listener, kinds),
    arrange: async (session, wished) => {
      catalog.watch(session.facts.server)
      await wishes.arrange(session, wished)
    },
  }
}
