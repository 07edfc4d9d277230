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
export interface Connection {
  /** What the IPC channel can carry. */
  readonly handle: object
  /** Another process has it: this one closes its end, which the client does not see. */
  left(): void
  /** No other process took it: this one goes on. */
  back(): void
}

/** One with a response that is not complete. */
export interface Released extends Connection {
  readonly isChunked: boolean
}

/** Undefined when there is no connection any more, or something is still to be sent on it. */
export function release(outgoing: Outgoing): Released | undefined {
  const { socket, chunkedEncoding: isChunked } = outgoing
  const released = socket && outgoing.writableLength === 0 ? releaseSocket(socket) : undefined
  return released && { ...released, isChunked }
}

/** Undefined when it is closed. */
export function releaseSocket(socket: Socket): Connection | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (!isHandle(handle)) return undefined
  handle.readStop()
  return { handle, left: () => void socket.destroy(), back: () => handle.readStart() }
}

/** The part of Node's own TCP handle that is used here: a socket has no public way to stop reading at once. */
interface Handle {
  readStart(): void
  readStop(): void
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'readStop' in value && typeof value.readStop === 'function'
}
