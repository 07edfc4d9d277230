import type { Log } from '../../shared/log.ts'
import { nestsTooDeep } from '../mcp/depth.ts'
import { envelope } from '../mcp/era.ts'
import { metaOf } from '../mcp/meta.ts'
import { type Id, isMessage, isNotification, isRequest, type RpcNotification } from '../mcp/rpc.ts'
import { only } from './attribution.ts'
import type { Flights } from './flights.ts'
import { isListChange } from './listing.ts'
import type { PendingCall } from './pending.ts'

export interface ModernInboxOptions {
  readonly flights: Flights
  readonly log: Log
  /** Lists changed, said where nobody asked to hear of it. */
  readonly stale: () => void
}

/**
 * Brings what a modern server says to the request it belongs to: by the stream it came on, else by what the message
 * itself names. What belongs to none is dropped: in this era nothing is for everybody.
 */
export class ModernInbox {
  readonly #options: ModernInboxOptions

  constructor(options: ModernInboxOptions) {
    this.#options = options
  }

  received(value: unknown, origin: Id | undefined): void {
    const { flights, log } = this.#options
    if (!isMessage(value)) flights.malformed(value, origin)
    else if (isNotification(value)) this.#notified(value, origin)
    else if (isRequest(value)) {
      // What a server needs of a client is in its results (MCP: Multi Round-Trip Requests).
      flights.drop()
      log.warn('a request of a server is not allowed in its era', { method: value.method })
    } else flights.answered(value, origin)
  }

  #notified(message: RpcNotification, origin: Id | undefined): void {
    const { flights, stale } = this.#options
    const call = origin === undefined ? this.#named(message) : flights.get(origin)
    const isTooMuch = !isListChange(message.method) && !flights.admits()
    if (isTooMuch || nestsTooDeep(message)) flights.drop()
    else if (message.method === 'notifications/cancelled') this.#ended(message)
    else if (message.method === 'notifications/progress') this.#progressed(message, origin)
    else if (call && (isListening(call) || belongsToCall(message))) call.exchange.sink.notify(message)
    else if (isListChange(message.method)) stale()
    else flights.drop()
  }

  /** Where all share one channel: a subscription's stamp, or a log that only one can have caused. */
  #named(message: RpcNotification): PendingCall | undefined {
    const { flights } = this.#options
    const subscription = metaOf(message.params)[envelope.subscription]
    if (subscription !== undefined) return flights.own.get(Number(subscription))
    return message.method === 'notifications/message' ? only(flights.calls) : undefined
  }

  /** On stdio a server ends a subscription, and nothing else, in this way. */
  #ended(message: RpcNotification): void {
    const id = message.params?.requestId
    const call = typeof id === 'number' ? this.#options.flights.own.get(id) : undefined
    if (call && isListening(call)) call.settle({ jsonrpc: '2.0', id: call.id, result: {} })
    else this.#options.flights.drop()
  }

  /** By its token, and never on the stream of another request. */
  #progressed(message: RpcNotification, origin: Id | undefined): void {
    const call = this.#options.flights.calls.get(Number(message.params?.progressToken))
    const isElsewhere = origin !== undefined && call?.id !== origin
    if (!isElsewhere) call?.touch()
    if (call?.token === undefined || isElsewhere) this.#options.flights.drop()
    else call.exchange.sink.notify({ ...message, params: { ...message.params, progressToken: call.token } })
  }
}

function isListening(call: PendingCall): boolean {
  return call.exchange.method === 'subscriptions/listen'
}

/** Changes are announced to those who subscribed to them, never in the answer to a call. */
function belongsToCall({ method }: RpcNotification): boolean {
  return !isListChange(method) && method !== 'notifications/resources/updated'
}
