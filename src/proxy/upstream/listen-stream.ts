import { type Deferred, defer, pause } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { envelope } from '../mcp/era.ts'
import type { RpcResponse } from '../mcp/rpc.ts'
import { INVALID_PARAMS, isError, isRecord, METHOD_NOT_FOUND, type Params, type RpcNotification } from '../mcp/rpc.ts'
import { withoutMeta } from './envelope.ts'
import { LinkFailure } from './failure.ts'
import { ROUTINE_MS, reopenDelay } from './side-stream.ts'

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

/** Carries one `subscriptions/listen` until its stream ends. */
export type Listen = (
  params: Params,
  signal: AbortSignal,
  notify: (notification: RpcNotification) => void,
) => Promise<RpcResponse>

export interface ListenStreamOptions {
  /** What is to be announced; fixed for the life of the stream. */
  readonly filter: Params
  readonly listen: Listen
  /** How long the acknowledgement may take, in milliseconds. */
  readonly patience: number
  readonly log: Log
  /** A notification of the stream, without the stream's stamp. */
  readonly heard: (notification: RpcNotification) => void
  /** The server began to announce; whatever changed before it has gone unheard. */
  readonly opened?: () => void
}

/**
 * One `subscriptions/listen` of a modern server, opened anew for as long as it is wanted. What the server does not
 * honour at all is not asked for again. (MCP: Subscriptions, 2026-07-28.)
 */
export class ListenStream {
  readonly #options: ListenStreamOptions
  readonly #stopping = new AbortController()

  constructor(options: ListenStreamOptions) {
    this.#options = options
  }

  /** Resolves with what the server is willing to announce, or undefined when the first attempt failed. */
  start(): Promise<Params | undefined> {
    const first = defer<Params | undefined>()
    void this.#run(first)
    return first.promise
  }

  stop(): void {
    this.#stopping.abort(new LinkFailure('ended', 'the subscription was closed'))
  }

  async #run(first: Deferred<Params | undefined>): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      const started = performance.now()
      const isWanted = await this.#once(first)
      first.resolve(undefined)
      if (!isWanted || signal.aborted) return
      failures = performance.now() - started >= ROUTINE_MS ? 0 : failures + 1
      await pause(reopenDelay(undefined, failures, Math.random), signal)
    }
  }

  /** One stream to its end; returns whether another one is worth asking for. */
  async #once(first: Deferred<Params | undefined>): Promise<boolean> {
    const { filter, listen, patience, log, opened, heard } = this.#options
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new LinkFailure('unreachable', 'not acknowledged')), patience)
    let honored: Params | undefined
    const notify = (notification: RpcNotification): void => {
      if (notification.method !== ACKNOWLEDGED) {
        heard(unstamped(notification))
        return
      }
      clearTimeout(timer)
      honored = honoredIn(notification)
      first.resolve(honored)
      if (Object.keys(honored).length > 0) opened?.()
    }
    try {
      const signal = AbortSignal.any([this.#stopping.signal, late.signal])
      const answer = await listen({ notifications: filter }, signal, notify)
      if (!isError(answer)) return honored === undefined || Object.keys(honored).length > 0
      const { code } = answer.error
      log.debug('the server refuses to announce changes', { code })
      return code !== METHOD_NOT_FOUND && code !== INVALID_PARAMS
    } catch (error) {
      log.debug('no stream of changes', { reason: messageOf(error) })
      return true
    } finally {
      clearTimeout(timer)
    }
  }
}

function honoredIn({ params }: RpcNotification): Params {
  return isRecord(params?.notifications) ? params.notifications : {}
}

function unstamped(notification: RpcNotification): RpcNotification {
  const { params } = notification
  return params === undefined ? notification : { ...notification, params: withoutMeta(params, envelope.subscription) }
}
