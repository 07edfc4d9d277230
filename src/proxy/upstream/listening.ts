import type { Log } from '../../shared/log.ts'
import { isRecord, type Params, type RpcNotification } from '../mcp/rpc.ts'
import type { ConnectionEvents } from './connection.ts'
import { type Listen, ListenStream } from './listen-stream.ts'
import { isListChange } from './listing.ts'

/** In one filter. */
const MAX_URIS = 1024

export interface ListeningOptions {
  readonly listen: Listen
  /** How long an acknowledgement may take, in milliseconds. */
  readonly patience: number
  readonly log: Log
  readonly events: Pick<ConnectionEvents, 'notified' | 'stale'>
}

/**
 * What a modern server is asked to announce: changed lists on one stream, updates of resources on another. A filter is
 * fixed once its stream is open, so another set of resources means another stream, and the old one ends after the new
 * one has begun: nothing goes unheard in between, and what the server does not take leaves the old one in place.
 */
export class Listening implements Disposable {
  readonly #options: ListeningOptions
  readonly #uris = new Set<string>()
  #lists: ListenStream | undefined
  #resources: ListenStream | undefined
  /** Raised by each change of the set. */
  #version = 0
  /** Of the set that the stream was last opened for. */
  #asked = 0
  #honored: readonly unknown[] = []
  #renewal: Promise<void> | undefined
  #isOpen = false
  #isOver = false

  constructor(options: ListeningOptions) {
    this.#options = options
  }

  /** Opens the streams; until then subscriptions are collected. */
  open(capabilities: Params): void {
    this.#isOpen = true
    const filter = filterOf(capabilities)
    if (Object.keys(filter).length > 0) {
      this.#lists = this.#stream(filter, () => this.#options.events.stale())
      void this.#lists.start()
    }
    if (this.#uris.size > 0) void this.#renew()
  }

  /** Resolves with whether updates of that resource will be announced. */
  async subscribe(uri: string): Promise<boolean> {
    if (this.#uris.has(uri) && this.#honored.includes(uri)) return true
    if (this.#uris.size >= MAX_URIS && !this.#uris.has(uri)) return false
    this.#uris.add(uri)
    this.#version++
    if (!this.#isOpen) return true
    await this.#renew()
    if (this.#honored.includes(uri)) return true
    await this.unsubscribe(uri)
    return false
  }

  async unsubscribe(uri: string): Promise<void> {
    if (!this.#uris.delete(uri)) return
    this.#version++
    if (this.#isOpen) await this.#renew()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#lists?.stop()
    this.#resources?.stop()
  }

  /** One after the other: changes that come during one renewal are all taken by the next. */
  #renew(): Promise<void> {
    this.#renewal = (this.#renewal ?? Promise.resolve()).then(() => this.#reopen())
    return this.#renewal
  }

  async #reopen(): Promise<void> {
    if (this.#isOver || this.#asked === this.#version) return
    this.#asked = this.#version
    const old = this.#resources
    const next = this.#uris.size === 0 ? undefined : this.#stream({ resourceSubscriptions: [...this.#uris] })
    const honored = await next?.start()
    const isBetter = honored !== undefined || next === undefined || old === undefined
    this.#resources = isBetter ? next : old
    if (isBetter) old?.stop()
    else next?.stop()
    this.#honored = Array.isArray(honored?.resourceSubscriptions) ? honored.resourceSubscriptions : []
    if (this.#isOver) this.#resources?.stop()
  }

  #stream(filter: Params, opened?: () => void): ListenStream {
    const { listen, log, patience } = this.#options
    const heard = (notification: RpcNotification): void => this.#heard(notification)
    return new ListenStream({ filter, listen, log, patience, heard, ...(opened ? { opened } : {}) })
  }

  #heard(notification: RpcNotification): void {
    const { stale, notified } = this.#options.events
    if (isListChange(notification.method)) stale()
    else notified(notification)
  }
}

/** The lists whose changes a server declares to announce. */
function filterOf(capabilities: Params): Params {
  const kinds = ['tools', 'prompts', 'resources'].filter((kind) => {
    const capability = capabilities[kind]
    return isRecord(capability) && capability.listChanged === true
  })
  return Object.fromEntries(kinds.map((kind) => [`${kind}ListChanged`, true]))
}
