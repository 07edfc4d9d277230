import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { Outgoing } from '../downstream/released.ts'

/** As long as the listener lets a connection be silent. */
const SILENCE = 60_000

export interface ContinuedOptions {
  /** Node's own handle of the connection, as it came over the IPC channel. */
  readonly handle: object
  readonly isChunked: boolean
  /** The response is complete, and the connection free for the next request. */
  readonly freed: (socket: Socket) => void
}

/** A response that another process began: its head is with the client, only the rest of its body is written here. */
export class ContinuedResponse extends Writable implements Outgoing {
  readonly socket: Socket
  readonly chunkedEncoding: boolean
  readonly #freed: ContinuedOptions['freed']

  constructor({ handle, isChunked, freed }: ContinuedOptions) {
    super()
    this.socket = new Socket(optionsOf(handle))
    this.chunkedEncoding = isChunked
    this.#freed = freed
    this.socket.setTimeout(SILENCE, this.#cut)
    this.socket.on('close', this.#cut)
    // What went wrong is followed by `close`.
    this.socket.on('error', ignore)
    this.socket.on('data', this.#early)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.chunkedEncoding) this.socket.write(chunk, done)
    else this.socket.write(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, CRLF]), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.chunkedEncoding) return void this.socket.end(done)
    this.socket.write('0\r\n\r\n', (error) => {
      done(error)
      if (!error) this.#free()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.writableFinished) this.socket.destroy()
    done(error)
  }

  #free(): void {
    const { socket } = this
    socket.setTimeout(0, this.#cut)
    socket.off('close', this.#cut)
    socket.off('error', ignore)
    socket.off('data', this.#early)
    this.#freed(socket)
  }

  readonly #cut = (): void => void this.destroy()

  /** A request before the answer to the last one is complete: it has to wait. */
  readonly #early = (bytes: Buffer): void => {
    this.socket.pause()
    this.socket.unshift(bytes)
  }
}

const CRLF = Buffer.from('\r\n')

function ignore(): void {}

/** The types lack the handle, which is how Node itself makes the sockets of a server. */
function optionsOf(handle: object): ConstructorParameters<typeof Socket>[0] {
  return { handle } as ConstructorParameters<typeof Socket>[0]
}
