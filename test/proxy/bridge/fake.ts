import type { Crossing } from '../../../src/proxy/bridge/crossing.ts'
import { Parking } from '../../../src/proxy/bridge/parking.ts'
import type { Era } from '../../../src/proxy/mcp/era.ts'
import type { Asking, Caller, Exchange } from '../../../src/proxy/mcp/exchange.ts'
import {
  isError,
  type Params,
  type RpcError,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../../../src/proxy/mcp/rpc.ts'
import type { Connection, Greeting } from '../../../src/proxy/upstream/connection.ts'
import { bareFrame, type Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

export const serverInfo = { name: 'fake', version: '1.0.0' }

type Handle = (exchange: Exchange, nth: number) => RpcResponse | Promise<RpcResponse>

export interface FakeConnection extends Connection {
  /** What it was asked, in order. */
  readonly calls: Exchange[]
}

/** A connection of that era whose server is a function; `nth` counts from 1. */
export function connectionOf(era: Era, handle: Handle): FakeConnection {
  const calls: Exchange[] = []
  const protocolVersion = era === 'modern' ? '2026-07-28' : '2025-11-25'
  const capabilities = { tools: {} }
  const greeting: Greeting = { protocolVersion, serverInfo, capabilities, instructions: undefined, frame: bareFrame }
  return {
    era,
    greeting,
    transport: 'stdio',
    pid: null,
    end: undefined,
    calls,
    call: async (exchange) => handle(exchange, calls.push(exchange)),
    ask: () => Promise.reject(new Error('only calls are bridged')),
    tell: () => Promise.resolve(),
    listed: () => {},
    subscribe: () => Promise.reject(new Error('only calls are bridged')),
    unsubscribe: () => Promise.reject(new Error('only calls are bridged')),
    setLogLevel: () => Promise.resolve(undefined),
    settle: () => {},
    ping: () => Promise.resolve(),
    drained: () => Promise.resolve(),
    lose: () => {},
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

export interface ExchangeOptions {
  readonly method?: string
  readonly params?: Params
  readonly caller?: Partial<Caller>
  readonly answer?: (request: RpcRequest, asking: Asking) => Promise<RpcResponse>
}

export interface TestExchange extends Exchange {
  readonly told: RpcNotification[]
  readonly asked: RpcRequest[]
  abort(reason: string): void
}

/**
 * An exchange that remembers what it was told and asked. Its fields but the first two are behind getters, as those of
 * an object of a class are.
 */
export function exchangeOf(era: Era, options: ExchangeOptions = {}): TestExchange {
  const { method = 'tools/call', params = { name: 'tool' }, answer = refuse } = options
  const abort = new AbortController()
  const told: RpcNotification[] = []
  const asked: RpcRequest[] = []
  const caller: Caller = {
    era,
    principal: '',
    capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
    clientInfo: { name: 'client', version: '2' },
    level: undefined,
    session: era === 'legacy' ? 'session' : undefined,
    ...options.caller,
  }
  class Own {
    readonly method = method
    readonly params = params
    readonly told = told
    readonly asked = asked
    get caller() {
      return caller
    }
    get signal() {
      return abort.signal
    }
    get sink() {
      return {
        notify: (notification: RpcNotification) => void told.push(notification),
        request: (request: RpcRequest, asking: Asking) => {
          asked.push(request)
          return answer(request, asking)
        },
      }
    }
    abort(reason: string) {
      abort.abort(new Error(reason))
    }
  }
  return new Own()
}

export function crossingOf(parking: Parking = new Parking(), tools: Listing['tools'] = []): Crossing {
  const listing: Listing = {
    era: 'modern',
    protocolVersion: '2026-07-28',
    serverInfo,
    capabilities: {},
    instructions: undefined,
    tools,
    resources: [],
    templates: [],
    prompts: [],
    frames: bareFrames,
  }
  return { upstream: 'fake', server: serverOf('fake'), parking, listing: () => listing }
}

export function result(value: Params): RpcResponse {
  return { jsonrpc: '2.0', id: 1, result: value }
}

export function error(code: number, message: string, data?: unknown): RpcError {
  return { jsonrpc: '2.0', id: 1, error: { code, message, ...(data === undefined ? {} : { data }) } }
}

export function resultOf(response: RpcResponse): Params {
  if (isError(response)) throw new Error(`error ${response.error.code}: ${response.error.message}`)
  return response.result
}

export function errorOf(response: RpcResponse): RpcError['error'] {
  if (isError(response)) return response.error
  throw new Error(`no error: ${JSON.stringify(response.result)}`)
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('nobody was to be asked'))
}
