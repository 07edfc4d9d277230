import type { Signal } from '../../shared/signal.ts'
import type { Id, RpcMessage } from '../mcp/rpc.ts'
import type { LinkFailure } from './failure.ts'
import type { Headers } from './headers.ts'

/** The largest message either side may send: one line, one body, one event. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024

/**
 * One way to carry messages to one server and back: a process's pipes, Streamable HTTP or HTTP+SSE. It knows nothing
 * of pending calls or revisions; it keeps what only the wire knows, the stream a message came on.
 */
export interface Link extends AsyncDisposable {
  readonly transport: 'stdio' | 'http' | 'sse'
  /** Of the server's process; null when it has none of ours. */
  readonly pid: number | null
  /**
   * Rejects with LinkFailure once the message, or the answer to it, can no longer arrive. For HTTP it resolves only
   * after the answer was received. Aborting the signal gives up on the answer's stream. `mirrored` goes into the head of
   * a message of the modern era, and marks it as one, on links that have heads; `forwarded` goes there in either era.
   */
  send(message: RpcMessage, signal?: Signal, mirrored?: Headers, forwarded?: Headers): Promise<void>
  /** The revision agreed on, for links that must repeat it or serve its era in another way. */
  agreed(protocolVersion: string): void
  /**
   * The end of connecting: opens the stream for messages that belong to no request, in the era that has one. Resolves
   * once it is open, absent or 1 s has passed.
   */
  listen(): Promise<void>
  /** Lets go of the server in stages. Idempotent, never rejects. */
  close(): Promise<void>
}

/** What a link tells the connection above it; called synchronously. */
export interface LinkEvents {
  /** One JSON value off the wire, unchecked. `origin` is the request on whose response stream it came, if any. */
  received(value: unknown, origin: Id | undefined): void
  /** A message was unreadable or too large. `id` is the request it answered, as far as that could be seen. */
  spoiled(id: Id | undefined, reason: string): void
  /** The stream of an answer ended before it, and will go on elsewhere, after a pause if the server wished for one. */
  parted(origin: Id, retryMs: number | undefined): void
  /** The stream of unasked messages was not there for a while, at least since connecting: some may have been missed. */
  gap(): void
  /** The link is dead, at most once and never after `close`. */
  lost(failure: LinkFailure): void
}
