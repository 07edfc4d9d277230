import type { Standing } from '../succession/word.ts'
import type { Outgoing, Released } from './released.ts'
import type { Session, SessionStream } from './session.ts'

/** What came of letting go of a stream. */
export type Release =
  | Released
  /** Its client is not connected, but may come back: only what is known of the stream goes over. */
  | 'away'
  /** Something of it is still under way. */
  | 'busy'

/** A stream that stands as long as its client wants it to, on its way from this process to the next. */
export interface Standee {
  /** The same for the same stream. */
  readonly of: object
  /** As it is now. */
  readonly standing: Standing
  /** From now on nothing is written here: what belongs to it goes to `elsewhere`, which is made for its session. */
  release(elsewhere: (session: Session) => SessionStream): Release
  /** It stays here, where it ends: nobody could take it. */
  end(): void
}

/** A stream that another process announced: from now on what it is to say is kept for it. */
export interface Expected {
  /** Its connection has come, or none since the client is away. `isCurrent`: the client knows our lists. */
  adopt(standing: Standing, outgoing: Outgoing | undefined, isCurrent: boolean): void
}
