import { randomBytes } from 'node:crypto'
import type { Exchange } from '../mcp/exchange.ts'
import { INVALID_PARAMS, RpcFailure } from '../mcp/rpc.ts'
import type { Lot, ParkedCall } from './parked-call.ts'
import { digestOf, openState, sealState } from './request-state.ts'

export interface ParkingOptions {
  /** 32 bytes that seal what clients carry. Random by default: parked calls do not outlive the process either. */
  readonly key?: Uint8Array
  /** How long a call waits for its client's next request, in milliseconds. */
  readonly patience?: number
  readonly bounds?: Bounds
}

/** How many calls may wait at the same time. */
export interface Bounds {
  readonly all: number
  /** For one server, whose other calls need room as well. */
  readonly perServer: number
  /** Of one principal. Who shows no token cannot be told apart: for them there is only the bound of all. */
  readonly perPrincipal: number
}

const PATIENCE_MS = 10 * 60_000
const defaults: Bounds = { all: 256, perServer: 32, perPrincipal: 16 }

/** Whose state it is: a call of this server, asked for with this exchange. */
export interface Owner {
  readonly upstream: string
  readonly exchange: Exchange
}

/**
 * Calls of modern clients that a legacy server has interrupted with a question: they wait here, still in flight
 * upstream, until the client brings the answer with its next request. One per proxy.
 */
export class Parking implements Lot, Disposable {
  readonly patience: number
  readonly #key: Uint8Array
  readonly #bounds: Bounds
  readonly #calls = new Map<string, ParkedCall>()

  constructor({ key = randomBytes(32), patience = PATIENCE_MS, bounds = defaults }: ParkingOptions = {}) {
    this.patience = patience
    this.#key = key
    this.#bounds = bounds
  }

  /** Calls with open questions. */
  get size(): number {
    return this.#calls.size
  }

  admit(call: ParkedCall): boolean {
    if (this.#calls.has(call.id)) return true
    if (!this.#hasRoom(call)) return false
    this.#calls.set(call.id, call)
    return true
  }

  release(call: ParkedCall): void {
    this.#calls.delete(call.id)
  }

  /** The `requestState` with which the owner's next request goes on with `call`, or begins anew without one. */
  seal({ upstream, exchange }: Owner, call?: ParkedCall): string {
    const { principal } = exchange.caller
    return sealState({ call: call?.id, upstream, principal, digest: digestOf(exchange) }, this.#key, this.patience)
  }

  /**
   * The call a `requestState` goes on with; undefined when it begins anew. Throws RpcFailure for what is not ours, too
   * old, another's, or another request's (MCP: Multi Round-Trip Requests, Server Requirements).
   */
  open(state: unknown, { upstream, exchange }: Owner): ParkedCall | undefined {
    const claims = openState(state, this.#key)
    if (claims === 'expired') throw refusal('has expired')
    if (claims === undefined || claims.principal !== exchange.caller.principal) throw refusal('is not known here')
    if (claims.upstream !== upstream || claims.digest !== digestOf(exchange)) throw refusal('is of another request')
    if (claims.call === undefined) return undefined
    const call = this.#calls.get(claims.call)
    if (call) return call
    throw refusal('belongs to a call that is over')
  }

  [Symbol.dispose](): void {
    for (const call of this.#calls.values()) call.cancel('The proxy is being stopped')
  }

  #hasRoom({ upstream, principal }: ParkedCall): boolean {
    const calls = [...this.#calls.values()]
    const { all, perServer, perPrincipal } = this.#bounds
    if (calls.length >= all) return false
    if (calls.filter((one) => one.upstream === upstream).length >= perServer) return false
    return principal === '' || calls.filter((one) => one.principal === principal).length < perPrincipal
  }
}

function refusal(what: string): RpcFailure {
  return new RpcFailure(INVALID_PARAMS, `params.requestState ${what}: send the request anew without it`)
}
