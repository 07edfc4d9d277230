import type { Frame } from './frame.ts'
import type { Id } from './rpc.ts'
import type { Text } from './text.ts'

/** The text of a response of one line, in characters or bytes, and where in it the id and the result stand. */
export interface Source {
  readonly text: string | Buffer
  readonly frame: Frame
}

/** A response that goes on in the text it came in. A copy of it, with anything changed, is a response like any other. */
export abstract class Written {
  /** Whether its result was not even parsed: nobody on its way needs to know what is in it. */
  abstract get isUnread(): boolean
  /** Undefined when its text cannot go on. */
  abstract get source(): Source | undefined
  /** Undefined when it has to be written anew. */
  abstract under(id: Id): Text | undefined
}
