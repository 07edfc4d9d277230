import { lookup } from 'node:dns/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP, Server as NetServer, type Socket as NetSocket } from 'node:net'
import { pause } from '../shared/async.ts'
import { MAX_HEADERS } from './downstream/guard.ts'

/**
 * A socket the supervisor bound: a descriptor this process inherited, or a handle that came over the IPC channel. Where
 * the platform has neither, the address to bind.
 */
export type Socket = { readonly fd: number } | { readonly handle: object } | { readonly bind: Address }

export interface Address {
  readonly host: string
  readonly port: number
}

/** Neither throws nor rejects. */
export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void

/** How long a client may take for what it has to say, in milliseconds; tests shorten it. */
export interface Patience {
  readonly head: number
  /** The head included. */
  readonly request: number
  /** How often that is looked at. */
  readonly check: number
}

/** The parser's own defences: a slow head ends after about 8 s, a slow body after 30 s, both with 408. */
export const patience: Patience = { head: 8_000, request: 30_000, check: 1_000 }

/** A client that closes in the very moment of our close would lose a request: idle connections are left for a while. */
const QUIET = 500
const ENDED = 'connection: close\r\ncontent-length: 0\r\n\r\n'
const CHECK = 20
/** How long a predecessor may take to let go of an address that has to be bound anew. */
const BIND_PATIENCE = 5_000

/** Not the socket that was announced: binding anew may help. */
export class WrongSocket extends Error {}

/** The HTTP server on one bound socket. */
export class Listener implements Disposable {
  readonly #server: Server
  #open = 0
  #connections = 0
  #lastEnd = performance.now()
  #isLeaving = false
  readonly #closing = new AbortController()

  private constructor({ serve, mostConnections, patience: { head, request, check } = patience }: ListenerOptions) {
    this.#server = createServer(
      {
        headersTimeout: head,
        requestTimeout: request,
        connectionsCheckingInterval: check,
        keepAliveTimeout: 75_000,
        maxHeaderSize: 16 * 1024,
        noDelay: true,
      },
      (request, response) => this.#inTurn(serve, request, response),
    )
    this.#server.maxHeadersCount = MAX_HEADERS
    // Streams say something every 15 s, so only who reads nothing of a finished answer is ever silent for a minute.
    this.#server.timeout = 60_000
    this.limit(mostConnections)
    // Without this, Node would close the connection without a word.
    this.#server.on('connect', (_request, socket) => socket.end(`HTTP/1.1 405 Method Not Allowed\r\n${ENDED}`))
    this.#server.on('connection', (socket) => {
      this.#connections++
      socket.once('close', () => this.#connections--)
    })
  }

  /**
   * Listens on a bound socket and makes sure that it is the one it was told of: a socket whose binding failed late
   * would otherwise listen on every interface. Throws when it is another one.
   */
  static async on(socket: Socket, options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options)
    try {
      await listener.#listenAtLast(socket)
      await listener.#compare(options.told)
      return listener
    } catch (error) {
      listener[Symbol.dispose]()
      throw error
    }
  }

  async #listenAtLast(socket: Socket): Promise<void> {
    const deadline = performance.now() + ('bind' in socket ? BIND_PATIENCE : 0)
    for (;;) {
      try {
        return await this.#listen(socket)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
        if (performance.now() >= deadline) throw error
        await pause(CHECK)
      }
    }
  }

  #listen(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.once('listening', () => {
        this.#server.off('error', reject)
        resolve()
      })
      if ('fd' in socket) this.#server.listen({ fd: socket.fd, backlog: 4096 })
      else if ('handle' in socket) this.#server.listen(socket.handle, 4096)
      else this.#server.listen({ ...socket.bind, backlog: 4096 })
    })
  }

  async #compare({ host, port }: Address): Promise<void> {
    const actual = this.#server.address()
    if (actual === null || typeof actual === 'string') throw new Error('the socket is not a TCP socket')
    const hosts = isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address)
    if (actual.port === port && hosts.includes(actual.address)) return
    throw new WrongSocket(`the socket is bound to ${actual.address}:${actual.port}, not to ${host}:${port}`)
  }

  /**
   * A request sent before the answer to an earlier one of its connection waits until that is finished: Node never says
   * of a response without a connection that it was closed, so what was begun for one would never end.
   */
  #inTurn(serve: Serve, request: IncomingMessage, response: ServerResponse): void {
    if (response.socket) this.#serve(serve, request, response)
    else response.once('socket', () => this.#serve(serve, request, response))
  }

  #serve(serve: Serve, request: IncomingMessage, response: ServerResponse): void {
    this.#open++
    response.on('close', this.#closed)
    if (this.#isLeaving) response.setHeader('connection', 'close')
    void serve(request, response)
  }

  readonly #closed = (): void => {
    this.#open--
    this.#lastEnd = performance.now()
  }

  /** From now on at most so many connections at once; those that are open stay. */
  limit(mostConnections: number): void {
    this.#server.maxConnections = mostConnections
  }

  /** Goes on with a connection whose last response is complete: requests on it are served as on any other. */
  continue(socket: NetSocket): void {
    this.#server.emit('connection', socket)
  }

  /** Another address takes over: for `graceMs` whoever comes is still served, and asked not to come again. */
  async retire(graceMs: number): Promise<void> {
    this.#isLeaving = true
    await pause(graceMs, this.#closing.signal)
    this[Symbol.dispose]()
  }

  /**
   * Accepts no new connection, asks those that are open to close after their next answer, and resolves when nothing is
   * in flight any more or `graceMs` have passed; what is open then stays so until it is disposed. Node's own
   * `server.close()` would cut idle connections that may be about to send.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isLeaving = true
    NetServer.prototype.close.call(this.#server)
    const deadline = performance.now() + graceMs
    while (performance.now() < deadline && !this.#isQuiet()) await pause(CHECK)
  }

  #isQuiet(): boolean {
    if (this.#connections === 0) return true
    return this.#open === 0 && performance.now() - this.#lastEnd >= QUIET
  }

  [Symbol.dispose](): void {
    this.#closing.abort()
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

export interface ListenerOptions {
  /** What the supervisor says the socket is bound to. */
  readonly told: Address
  readonly serve: Serve
  readonly mostConnections: number
  readonly patience?: Patience
}
