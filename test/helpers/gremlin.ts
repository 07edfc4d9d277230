import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/**
 * What a gremlin does to bytes, both ways: hold them back (`stall`), take them and pass nothing on, not even an end
 * (`swallow`: a half-open connection), hand them on one by one (`split`), or so many per second.
 */
type Trouble = 'none' | 'stall' | 'swallow' | 'split' | { readonly bytesPerSecond: number }

/** A TCP relay on loopback that makes trouble on demand. */
export interface Gremlin extends AsyncDisposable {
  readonly port: number
  /** The target's address with the gremlin's port. */
  readonly url: string
  /** What happens from now on, to what is connected and to what comes. */
  trouble: Trouble
  /** Whether new connections are answered with RST. */
  isClosed: boolean
  /** Connections accepted so far. */
  readonly accepted: number
  /** Ends all connections with RST, on both sides. */
  reset(): void
}

/** Starts a gremlin before `target`, a URL on loopback. */
export async function gremlin(target: string): Promise<Gremlin> {
  const relay = new Relay(new URL(target))
  await relay.listen()
  return relay
}

class Relay implements Gremlin {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  #trouble: Trouble = 'none'
  readonly #changes = new EventEmitter()
  isClosed = false
  accepted = 0

  constructor(target: URL) {
    this.#target = target
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    const url = new URL(this.#target)
    url.port = String(this.port)
    return url.href
  }

  get trouble(): Trouble {
    return this.#trouble
  }

  set trouble(trouble: Trouble) {
    this.#trouble = trouble
    this.#changes.emit('change')
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    this.trouble = 'none'
    this.reset()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(down: Socket): void {
    this.accepted++
    if (this.isClosed) return void down.resetAndDestroy()
    const up = dial({ host: this.#target.hostname, port: Number(this.#target.port), allowHalfOpen: true })
    for (const socket of [down, up]) this.#own(socket)
    void this.#pump(down, up)
    void this.#pump(up, down)
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true).on('close', () => this.#sockets.delete(socket))
    // What ends a connection is passed on by its pump.
    socket.on('error', () => {})
  }

  async #pump(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) await this.#pass(chunk, to)
      if (this.#trouble !== 'swallow') to.end()
    } catch {
      if (this.#trouble !== 'swallow') to.resetAndDestroy()
    }
  }

  async #pass(chunk: Buffer, to: Socket): Promise<void> {
    while (this.#trouble === 'stall') await once(this.#changes, 'change')
    const trouble = this.#trouble
    if (trouble === 'swallow') return
    if (trouble === 'split') return this.#slices(chunk, to, { size: 1, pause: turn })
    if (typeof trouble === 'object') {
      const size = Math.max(1, Math.floor(trouble.bytesPerSecond / 50))
      return this.#slices(chunk, to, { size, pause: () => delay(20) })
    }
    await write(to, chunk)
  }

  async #slices(chunk: Buffer, to: Socket, { size, pause }: { size: number; pause: () => Promise<unknown> }) {
    for (let start = 0; start < chunk.length; start += size) {
      await write(to, chunk.subarray(start, start + size))
      await pause()
    }
  }
}

/** Resolves once the kernel has taken the bytes; rejects when the socket is gone. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())))
}
