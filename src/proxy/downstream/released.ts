import type { Socket } from 'node:net'

/** What an event stream writes on: the response to a request, or one that another process began. */
export interface Outgoing {
  readonly destroyed: boolean
  readonly writableEnded: boolean
  /** Bytes that wait for the reader. */
  readonly writableLength: number
  readonly socket: Socket | null
  /** Whether what is written goes out as chunks. */
  readonly chunkedEncoding: boolean
  write(chunk: string | Uint8Array): boolean
  cork(): void
  uncork(): void
  end(): unknown
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

/** A connection that nobody here reads from or writes to any more, so that another process can go on with it. */
export interface Released {
  /** What the IPC channel can carry. */
  readonly handle: object
  readonly isChunked: boolean
  /** Another process has it: this one closes its end, which the client does not see. */
  left(): void
  /** No other process took it: this one goes on. */
  back(): void
}

/** Undefined when there is no connection any more, or something is still to be sent on it. */
export function release(outgoing: Outgoing): Released | undefined {
  const { socket, chunkedEncoding: isChunked } = outgoing
  const handle: unknown = socket && Reflect.get(socket, '_handle')
  if (!isHandle(handle) || outgoing.writableLength > 0) return undefined
  handle.readStop()
  return { handle, isChunked, left: () => void socket?.destroy(), back: () => handle.readStart() }
}

/** The part of Node's own TCP handle that is used here: a socket has no public way to stop reading at once. */
interface Handle {
  readStart(): void
  readStop(): void
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'readStop' in value && typeof value.readStop === 'function'
}
