import type { Listener } from '../downstream/asker.ts'
import type { LegacyEndpoint } from '../downstream/legacy.ts'
import type { Listens } from '../downstream/listens.ts'
import type { Session } from '../downstream/session.ts'
import type { Sessions } from '../downstream/sessions.ts'
import type { SseEndpoint } from '../downstream/sse.ts'
import type { Wishes } from './word.ts'

/** What of a group goes from one generation of its proxy to the next, and how it is taken up there. */
export interface Estate {
  readonly sessions: Sessions
  readonly legacy: LegacyEndpoint
  readonly conversations: SseEndpoint
  readonly listens: Listens
  /** Of the lists as they are. */
  readonly epoch: () => string
  /** Whether clients may still have to be told of a change of them. */
  readonly isTelling: () => boolean
  /** Tells somebody that the lists are other ones. */
  readonly told: (listener: Listener) => void
  /** Arranges for what a session wants of servers. Never rejects. */
  readonly arrange: (session: Session, wishes: Wishes) => Promise<void>
}
