import type { IncomingHttpHeaders } from 'node:http'
import type { Aborter } from '../../shared/signal.ts'
import type { Caller } from '../mcp/exchange.ts'
import { isAtLeast } from '../mcp/levels.ts'
import {
  type Id,
  INTERNAL_ERROR,
  RpcFailure,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import type { Asker } from './asker.ts'
import type { Envelope } from './envelope.ts'
import { checkParams } from './mirrored.ts'

export interface ModernClientOptions {
  readonly server: string | undefined
  readonly envelope: Envelope
  /** The authorization context; see `Caller`. */
  readonly principal: string
  readonly headers: IncomingHttpHeaders
}

/** A client of the modern era for as long as one request of its takes: nothing of it is kept for the next. */
export class ModernClient implements Asker {
  readonly server: string | undefined
  readonly caller: Caller
  readonly session = undefined
  readonly #headers: IncomingHttpHeaders
  /** One, but for what is asked of several servers. */
  #calls: readonly Aborter[] = []
  #isGone = false

  constructor({ server, envelope, principal, headers }: ModernClientOptions) {
    const { capabilities, clientInfo, level } = envelope
    this.server = server
    this.caller = { era: 'modern', principal, capabilities, clientInfo, level, session: undefined }
    this.#headers = headers
  }

  began(_id: Id, call: Aborter): void {
    this.#calls = [...this.#calls, call]
    if (this.#isGone) call.abort(GONE)
  }

  ended(_id: Id, call: Aborter): void {
    this.#calls = this.#calls.filter((one) => one !== call)
  }

  /** The response stream was closed, which is how a modern client cancels. (MCP: Streamable HTTP, Cancellation.) */
  gone(): void {
    this.#isGone = true
    for (const call of this.#calls) call.abort(GONE)
  }

  /** The era has no requests of a server to its client: what a server needs to know is asked for in its result. */
  ask({ method }: RpcRequest): Promise<RpcResponse> {
    return Promise.reject(new RpcFailure(INTERNAL_ERROR, `A client of 2026-07-28 cannot be asked: ${method}`))
  }

  /** Who names no level wants no log messages. (MCP: Logging, 2026-07-28.) */
  wants({ params }: RpcNotification): boolean {
    const { level } = this.caller
    return level !== undefined && isAtLeast(params?.level, level)
  }

  mirrored(inputSchema: unknown, args: unknown): Readonly<Record<string, string>> | undefined {
    return checkParams(this.#headers, inputSchema, args)
  }
}

const GONE = 'The client closed the response stream'
