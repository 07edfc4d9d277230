import type { Exchange } from '../mcp/exchange.ts'
import { isRecord, type Params, type RpcNotification, type RpcResponse } from '../mcp/rpc.ts'
import { type Connection, type Greeting, itself, nobody } from './connection.ts'
import { LinkFailure } from './failure.ts'
import { HAUNTING_MS } from './ghosts.ts'
import { Inbox } from './inbox.ts'
import type { Line, LineOptions } from './line.ts'
import type { Link } from './link.ts'
import type { PendingCall } from './pending.ts'

/** How long a message that nobody waits for may take on its way to the server. */
const NOTIFY_MS = 1000
const REPLY_MS = 10_000

/**
 * A session of the era with `initialize` (2024-11-05 … 2025-11-25): our ids and tokens on the wire, the client's on the
 * other side, and for everything the server says in between the exchange it belongs to.
 */
export class LegacyConnection implements Connection {
  readonly era = 'legacy'
  readonly #line: Line
  readonly #options: LineOptions
  readonly #inbox: Inbox
  #greeting: Greeting | undefined
  /** The side stream being opened: servers may speak there during a call, so the first calls wait for it. */
  #opening: Promise<void> | undefined
  #gaps = 0

  constructor(line: Line, options: LineOptions) {
    this.#line = line
    this.#options = options
    this.#inbox = new Inbox({
      flights: line.flights,
      takesBatches: () => this.#greeting === undefined || this.#greeting.protocolVersion === '2025-03-26',
      send: (message) => line.tell(message, REPLY_MS),
      declared: options.declares.capabilities,
      client: options.client,
      guessed: () => line.narrow(),
      events: options.events,
    })
    line.speak({
      received: (value, origin) => this.#inbox.received(value, origin),
      parted: (origin, retryMs) => line.flights.get(origin)?.exchange.sink.parted?.(retryMs),
      gap: () => this.#gap(),
      mirror: () => undefined,
      withdraw: (call, reason) => this.#withdraw(call, reason),
    })
  }

  get greeting(): Greeting {
    if (!this.#greeting) throw new Error('the connection has not been greeted')
    return this.#greeting
  }

  get transport(): Link['transport'] {
    return this.#line.link.transport
  }

  get pid(): number | null {
    return this.#line.link.pid
  }

  get end(): Error | undefined {
    return this.#line.end
  }

  /** The end of the handshake: from here on the revision goes with every message. */
  async greet(greeting: Greeting, signal: AbortSignal): Promise<void> {
    this.#greeting = greeting
    this.#line.link.agreed(greeting.protocolVersion)
    await this.#line.link.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, signal)
  }

  listed(): void {}

  settle(): void {
    this.#opening = this.#line.link.listen().finally(() => {
      this.#opening = undefined
    })
    this.#line.watch((ms) => this.ping(ms))
  }

  call(exchange: Exchange): Promise<RpcResponse> {
    if (this.#opening === undefined) return this.#line.call(exchange)
    return this.#opening.then(() => this.#line.call(exchange))
  }

  ask(method: string, params: Params | undefined, signal: AbortSignal): Promise<RpcResponse> {
    return this.#line.ask({ method, params, signal, sink: nobody, caller: itself('legacy') })
  }

  async tell(notification: RpcNotification): Promise<void> {
    await this.#line.tell(notification, NOTIFY_MS)
  }

  subscribe(params: Params, signal: AbortSignal): Promise<RpcResponse> {
    return this.call({ method: 'resources/subscribe', params, signal, sink: nobody, caller: itself('legacy') })
  }

  unsubscribe(uri: string, signal: AbortSignal): Promise<RpcResponse> {
    const params = { uri }
    return this.call({ method: 'resources/unsubscribe', params, signal, sink: nobody, caller: itself('legacy') })
  }

  async setLogLevel(level: string, signal: AbortSignal): Promise<RpcResponse | undefined> {
    if (this.greeting.capabilities.logging === undefined) return undefined
    return this.ask('logging/setLevel', { level }, signal)
  }

  /** Any answer is a sign of life: an error, a refusal, even nonsense. */
  async ping(ms: number): Promise<void> {
    try {
      await this.ask('ping', undefined, AbortSignal.timeout(ms))
    } catch (error) {
      if (!(error instanceof LinkFailure) || error.kind === 'unreachable' || error.kind === 'ended') throw error
    }
  }
  drained(): Promise<void> {
    return this.#line.flights.drained()
  }

  lose(failure: LinkFailure): void {
    this.#line.lose(failure)
  }

  close(reason: Error): Promise<void> {
    this.#inbox.close()
    return this.#line.close(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#line[Symbol.asyncDispose]()
  }

  /** Tells the server that nobody waits any more, but never about `initialize` (MCP: Cancellation). */
  async #withdraw(call: PendingCall, reason: string): Promise<void> {
    if (call.exchange.method === 'initialize') return
    const params = { requestId: call.id, reason }
    const told = this.#line.tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, NOTIFY_MS)
    // What is written to a pipe is read in that order, the next call after the ping: that one may be asked about.
    if (this.transport === 'stdio' || (await told))
      void this.#line.flights.ghosts.told(call.id, () => this.ping(HAUNTING_MS))
    await told
  }

  /** A server that announces changes may have done so before anybody listened; later on anything may have happened. */
  #gap(): void {
    if (this.#gaps++ > 0 || announcesChanges(this.greeting.capabilities)) this.#options.events.stale()
  }
}

function announcesChanges(capabilities: Params): boolean {
  return Object.values(capabilities).some((capability) => isRecord(capability) && capability.listChanged === true)
}
