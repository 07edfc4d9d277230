import type { Log } from '../../shared/log.ts'
import { isError, type Params } from '../mcp/rpc.ts'
import type { Connection } from './connection.ts'

/** What downstream wants of one server together. It outlives connections: each new one knows nothing and is told. */
export class Wishes {
  readonly #log: Log
  /** By URI, with all that came along with it. */
  readonly #subscriptions = new Map<string, Params>()
  #logLevel: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** From now on a new connection is told this level. */
  setLogLevel(level: string): void {
    this.#logLevel = level
  }

  subscribe(uri: string, params: Params): void {
    this.#subscriptions.set(uri, params)
  }

  unsubscribe(uri: string): void {
    this.#subscriptions.delete(uri)
  }

  /** Tells a new connection everything. Rejects when the way to the server fails; a refusal is worth a line. */
  async tell(connection: Connection, signal: AbortSignal): Promise<void> {
    await this.tellLogLevel(connection, signal)
    for (const params of this.#subscriptions.values()) {
      const answer = await connection.subscribe(params, signal)
      if (isError(answer)) this.#log.warn('a subscription could not be renewed', { code: answer.error.code })
    }
  }

  async tellLogLevel(connection: Connection, signal: AbortSignal): Promise<void> {
    if (this.#logLevel === undefined) return
    const answer = await connection.setLogLevel(this.#logLevel, signal)
    if (answer && isError(answer)) this.#log.warn('the server refuses the log level', { code: answer.error.code })
  }
}
