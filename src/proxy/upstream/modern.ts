import { messageOf } from '../../shared/errors.ts'
import { argumentsOf } from '../mcp/arguments.ts'
import { envelope } from '../mcp/era.ts'
import type { Exchange } from '../mcp/exchange.ts'
import { metaOf } from '../mcp/meta.ts'
import { type Declared, declarationsOf, encodeHeader, namedBy, paramHeaders } from '../mcp/mirror.ts'
import {
  errorResponse,
  HEADER_MISMATCH,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  isError,
  METHOD_NOT_FOUND,
  type Params,
  type RpcError,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  recordOf,
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import { type Connection, type Greeting, itself, nobody } from './connection.ts'
import { isModernAnswer, versionsIn } from './discovery.ts'
import { enveloped, MODERN_VERSION } from './envelope.ts'
import { LinkFailure } from './failure.ts'
import type { Headers } from './headers.ts'
import type { Line, LineOptions } from './line.ts'
import type { Link } from './link.ts'
import { Listening } from './listening.ts'
import type { Item } from './listing.ts'
import { ModernInbox } from './modern-inbox.ts'
import type { PendingCall } from './pending.ts'

const NOTIFY_MS = 1000

export interface ModernOptions extends LineOptions {
  /** Fetches the lists anew and hands the tools to `listed`. */
  readonly relist: () => Promise<void>
}

/**
 * A server of the era without sessions (2026-07-28): every request carries all it needs, on HTTP repeated in its head,
 * and everything the server says belongs to one request's stream.
 */
export class ModernConnection implements Connection {
  readonly era = 'modern'
  readonly #line: Line
  readonly #options: ModernOptions
  readonly #listening: Listening
  #greeting: Greeting | undefined
  #tools: ReadonlyMap<unknown, Item> = new Map()
  /** Of the tools called so far. */
  #declarations = new Map<unknown, readonly Declared[]>()

  constructor(line: Line, options: ModernOptions) {
    this.#line = line
    this.#options = options
    const { log, events } = options
    const inbox = new ModernInbox({ flights: line.flights, log, stale: () => events.stale() })
    line.speak({
      received: (value, origin) => inbox.received(value, origin),
      parted: () => {},
      gap: () => {},
      mirror: (request, exchange) => this.#mirror(request, exchange),
      withdraw: (call, reason) => this.#withdraw(call, reason),
    })
    this.#listening = new Listening({
      log,
      patience: options.timing.acknowledged,
      events,
      listen: (params, signal, notify) => this.#ask('subscriptions/listen', params, { signal, notify }),
    })
  }

  get greeting(): Greeting {
    if (!this.#greeting) throw new Error('the server has not been discovered')
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

  /** What `server/discover` said: from here on the link serves this era. */
  greet(greeting: Greeting): void {
    this.#greeting = greeting
    this.#line.link.agreed(greeting.protocolVersion)
  }

  listed(tools: readonly Item[]): void {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
    this.#declarations = new Map()
  }

  settle(): void {
    void this.#line.link.listen()
    this.#line.watch((ms) => this.ping(ms))
    this.#listening.open(this.greeting.capabilities)
  }

  async call(exchange: Exchange): Promise<RpcResponse> {
    const answer = await this.#examined(this.#spelledOnce(exchange))
    return isError(answer) && answer.error.code === HEADER_MISMATCH ? this.#again(exchange) : answer
  }

  ask(method: string, params: Params | undefined, signal: AbortSignal): Promise<RpcResponse> {
    return this.#ask(method, params, { signal, notify: nobody.notify })
  }

  /** The era knows no notification of a client that outlives a request. */
  async tell({ method }: RpcNotification): Promise<void> {
    this.#options.log.debug('a notification has no counterpart in the era of the server', { method })
  }

  async subscribe({ uri }: Params): Promise<RpcResponse> {
    const { resources } = this.greeting.capabilities
    if (recordOf(resources).subscribe !== true)
      return errorResponse(null, METHOD_NOT_FOUND, 'The server announces no updates of resources')
    if (await this.#listening.subscribe(String(uri))) return done()
    return errorResponse(null, INVALID_PARAMS, 'The server announces no updates of this resource')
  }

  async unsubscribe(uri: string): Promise<RpcResponse> {
    await this.#listening.unsubscribe(uri)
    return done()
  }

  /** Each request has its own level. */
  async setLogLevel(): Promise<undefined> {}

  /** A server that answers, but in another era, was replaced: it has to be asked anew what it speaks. */
  async ping(ms: number): Promise<void> {
    try {
      const answer = await this.ask('server/discover', undefined, AbortSignal.timeout(ms))
      if (isModernAnswer(answer)) return
    } catch (error) {
      if (!(error instanceof LinkFailure) || error.kind === 'unreachable' || error.kind === 'ended') throw error
      if (error.kind !== 'broken') return
    }
    this.lose(otherEra())
  }
  drained(): Promise<void> {
    return this.#line.flights.drained()
  }

  lose(failure: LinkFailure): void {
    this.#listening[Symbol.dispose]()
    this.#line.lose(failure)
  }

  async close(reason: Error): Promise<void> {
    this.#listening[Symbol.dispose]()
    await this.#line.close(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(new LinkFailure('ended', 'the connection was closed'))
  }

  #ask(
    method: string,
    params: Params | undefined,
    { signal, notify }: { readonly signal: AbortSignal; readonly notify: (notification: RpcNotification) => void },
  ): Promise<RpcResponse> {
    const full = enveloped(params, this.#options.declares)
    return this.#line.ask({ method, params: full, signal, sink: { ...nobody, notify }, caller: itself('modern') })
  }

  /** What no server of this era would say makes it doubtful that this still is one. */
  async #examined(exchange: Exchange): Promise<RpcResponse> {
    try {
      const answer = await this.#line.call(exchange)
      if (isError(answer)) this.#examineError(answer)
      return answer
    } catch (error) {
      if (error instanceof LinkFailure && error.kind === 'broken') this.#line.suspect()
      throw error
    }
  }

  /** A refused revision was not executed: the request may be repeated once it is known what the server speaks now. */
  #examineError(answer: RpcError): void {
    if (answer.error.code === UNSUPPORTED_VERSION && !versionsIn(answer).includes(MODERN_VERSION)) {
      const failure = otherEra()
      this.lose(failure)
      throw failure
    }
    if ((answer.id ?? null) === null) this.#line.suspect()
  }

  /** The server declares its headers otherwise than we know: that can be looked up, once (MCP: Client Behavior). */
  async #again(exchange: Exchange): Promise<RpcResponse> {
    try {
      await this.#options.relist()
    } catch (error) {
      this.#options.log.debug('the tools could not be fetched anew', { reason: messageOf(error) })
    }
    const answer = await this.#examined(this.#spelledOnce(exchange))
    if (!isError(answer) || answer.error.code !== HEADER_MISMATCH) return answer
    const facts = { upstream: this.#options.name, kind: 'header_mismatch', retryable: false }
    const message = `Server "${this.#options.name}" does not accept the headers of the request`
    throw new RpcFailure(INTERNAL_ERROR, message, facts)
  }

  /**
   * Large arguments go on in the text they came in, but not those a head repeats: no second spelling of them, which a
   * reader of the text might prefer, shall contradict it.
   */
  #spelledOnce(exchange: Exchange): Exchange {
    const { method, params, sink, signal, caller, headers, forwarded } = exchange
    if (method !== 'tools/call' || !params || this.transport === 'stdio') return exchange
    if (this.#declared(params.name).length === 0 && headers === undefined) return exchange
    const args = argumentsOf(params)
    if (args === params.arguments) return exchange
    const head = { ...(headers && { headers }), ...(forwarded && { forwarded }) }
    return { method, params: { ...params, arguments: args }, sink, signal, caller, ...head }
  }

  /** What the head repeats of this very body (MCP: Streamable HTTP, Request Metadata). */
  #mirror({ method, params }: RpcRequest, exchange: Exchange): Headers | undefined {
    if (this.transport === 'stdio') return undefined
    const field = namedBy[method]
    const name = field === undefined ? undefined : params?.[field]
    return {
      ...exchange.headers,
      ...(method === 'tools/call' ? paramHeaders(this.#declared(name), params?.arguments) : {}),
      ...(typeof name === 'string' ? { 'mcp-name': encodeHeader(name) } : {}),
      'mcp-method': method,
      'mcp-protocol-version': String(metaOf(params)[envelope.version] ?? MODERN_VERSION),
    }
  }

  #declared(tool: unknown): readonly Declared[] {
    const known = this.#declarations.get(tool)
    if (known) return known
    const found = declarationsOf(this.#tools.get(tool)?.inputSchema)
    const declared = 'invalid' in found ? [] : found
    // Only of listed tools: whatever else a client calls is not kept.
    if (this.#tools.has(tool)) this.#declarations.set(tool, declared)
    return declared
  }

  /** On HTTP the end of the answer's stream says it (MCP: Cancellation, 2026-07-28). */
  async #withdraw(call: PendingCall, reason: string): Promise<void> {
    if (this.transport !== 'stdio') return
    const params = { requestId: call.id, reason }
    await this.#line.tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, NOTIFY_MS)
  }
}

function otherEra(): LinkFailure {
  return new LinkFailure('session', `the server does not speak ${MODERN_VERSION} any more`)
}

function done(): RpcResponse {
  return { jsonrpc: '2.0', id: 0, result: {} }
}
