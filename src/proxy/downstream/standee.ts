import type { StandingStream } from '../succession/word.ts'
import type { Listener } from './asker.ts'
import type { ConversationStream } from './conversation.ts'
import type { Outgoing, Released } from './released.ts'

/** What another process goes on with. */
export interface Release {
  readonly standing: StandingStream
  /** Undefined where the client is away, but may come back. */
  readonly connection: Released | undefined
}

/** A stream that stands as long as its client wants it to, when this process is about to leave. */
export interface Standee {
  /** The same for the same stream. */
  readonly of: object
  /** As it is now; undefined while something of it is under way. */
  readonly standing: StandingStream | undefined
  /**
   * From now on nothing is written here: what belongs to its session goes where `elsewhere` says. Undefined while
   * something of it is under way.
   */
  release(elsewhere: (session: string) => ConversationStream): Release | undefined
  /** It stays here, where it ends: nobody could take it. */
  end(): void
}

/** A stream that another process is about to hand over: what is to be said on it is kept for it. */
export interface Expected {
  /** Its connection has come, or none since the client is away. Returns who listens on it. */
  adopt(standing: StandingStream, outgoing: Outgoing | undefined): Listener | undefined
  /** It does not come. */
  dismiss(): void
}

/** Ends a stream whose session cannot go on here: its client comes back in a second, and sees why. */
export function farewell(outgoing: Outgoing | undefined): void {
  outgoing?.write('retry: 1000\n\n')
  outgoing?.end()
}
