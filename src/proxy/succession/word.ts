import type { Filter } from '../downstream/listen.ts'
import type { Level } from '../mcp/levels.ts'
import type { Id, Params, RpcMessage } from '../mcp/rpc.ts'

/**
 * What two generations of a group's proxy say to each other while one takes the other's place. The supervisor carries
 * it and understands no more of it than whom it is for.
 */
export type Word = ToPredecessor | ToSuccessor

export type ToPredecessor =
  /** My servers have settled, and I listen as soon as I know which streams will come. */
  | { readonly to: 'predecessor'; readonly is: 'ready' }
  /** The connection is here: close your end of it. */
  | { readonly to: 'predecessor'; readonly is: 'taken'; readonly key: number }
  /** A client said something in a session that can only be about what you have in flight. */
  | { readonly to: 'predecessor'; readonly is: 'heard'; readonly session: string; readonly message: RpcMessage }
  /** Of the supervisor: there is no successor any more. */
  | { readonly to: 'predecessor'; readonly is: 'gone' }

export type ToSuccessor =
  /** The answer to `ready`: the streams that are open now. What they want to hear is to be arranged for. */
  | {
      readonly to: 'successor'
      readonly is: 'coming'
      readonly streams: readonly Coming[]
      /** The names of sessions that were deleted: their ids open nothing any more. */
      readonly deleted: readonly string[]
    }
  /** Comes with the connection, unless the client is away; what was open late comes without having been announced. */
  | {
      readonly to: 'successor'
      readonly is: 'stream'
      readonly key: number
      /** Whether the events go out as chunks (HTTP/1.1), or as they are. */
      readonly isChunked: boolean
      /** The epoch of the lists the client was told of last; empty where a change of them was yet to be told. */
      readonly epoch: string
      readonly stream: StandingStream
    }
  /** Comes with a connection that is open for the client's next request. */
  | { readonly to: 'successor'; readonly is: 'connection'; readonly key: number }
  /** To be written on the session's stream, which has been handed over. */
  | { readonly to: 'successor'; readonly is: 'said'; readonly session: string; readonly body: string }
  /** Another session was deleted, by its name. */
  | { readonly to: 'successor'; readonly is: 'deleted'; readonly sid: string }
  /** A session wants something else than was announced. */
  | { readonly to: 'successor'; readonly is: 'wishes'; readonly session: string; readonly wishes: Wishes }
  /** Of the supervisor: there is no predecessor any more. */
  | { readonly to: 'successor'; readonly is: 'gone' }

export interface Coming {
  /** Names the stream between the two. */
  readonly key: number
  readonly stream: StandingStream
}

/** A stream that stands as long as its client wants it to. */
export type StandingStream = StandingSession | StandingConversation | StandingListen

/** The stream of a legacy session (GET), or an answer of one that its client has not fetched to the end. */
export interface StandingSession {
  readonly kind: 'session'
  /** The sealed id. */
  readonly session: string
  readonly wishes: Wishes
  readonly stream: ResumableState
}

/** A stream of HTTP+SSE, and the session on it once there is one. */
export interface StandingConversation {
  readonly kind: 'conversation'
  readonly id: string
  readonly server: string | undefined
  readonly principal: string
  readonly session: string | undefined
  readonly wishes: Wishes
}

/** The response to a `subscriptions/listen`. */
export interface StandingListen {
  readonly kind: 'listen'
  readonly server: string | undefined
  readonly id: Id
  /** What was honoured. */
  readonly filter: Filter
  readonly meta: Params
}

/** What a session wants of servers beside answers. */
export interface Wishes {
  readonly level?: Level | undefined
  readonly subscriptions: readonly Subscribed[]
}

export interface Subscribed {
  /** The way to the server. */
  readonly server: string
  readonly own: string
  readonly shown: string
}

/** Of a stream that can be resumed. */
export interface ResumableState {
  readonly name: string
  readonly isStandalone: boolean
  readonly isFinished: boolean
  /** Whether the client knows an id to come back with. */
  readonly isKnown: boolean
  readonly seq: number
  readonly kept: readonly { readonly seq: number; readonly body: string }[]
}
