import type { Listener } from '../downstream/asker.ts'
import type { Params, RpcResponse } from '../mcp/rpc.ts'
import type { Upstream } from '../upstream/upstream.ts'

export interface SubscriptionsOptions {
  /** The upstream that serves under this name now. */
  readonly upstream: (server: string) => Pick<Upstream, 'subscribe' | 'unsubscribe'> | undefined
  /** An upstream refused to end a subscription nobody needs any more: worth a line in the log. */
  readonly failed: (server: string, reason: unknown) => void
}

/** What somebody wants to hear about: a server's own URI, and how the listener's view calls it. */
export interface Wish {
  readonly listener: Listener
  readonly server: string
  readonly own: string
  readonly shown: string
}

const DONE: RpcResponse = { jsonrpc: '2.0', id: 0, result: {} }

/** One subscription per server and URI however many listeners share it: made for the first, ended with the last. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  /** server → own URI → listener → URI as the listener knows it. */
  readonly #wishes = new Map<string, Map<string, Map<Listener, string>>>()
  readonly #pending = new Map<string, Promise<RpcResponse>>()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** The upstream's own response for who comes first or while it is awaited; an empty result for those after. */
  async subscribe({ listener, server, own, shown }: Wish, params: Params): Promise<RpcResponse> {
    const key = `${server}\n${own}`
    const listeners = this.#listenersOf(server, own)
    const isFirst = listeners.size === 0
    listeners.set(listener, shown)
    if (isFirst)
      this.#pending.set(
        key,
        this.#ask(server, own, params).finally(() => this.#pending.delete(key)),
      )
    try {
      const response = await (this.#pending.get(key) ?? DONE)
      if (response.error !== undefined) this.#drop(server, own, listener)
      return response
    } catch (failure) {
      this.#drop(server, own, listener)
      throw failure
    }
  }

  async unsubscribe({ listener, server, own }: Wish): Promise<RpcResponse> {
    if (!this.#drop(server, own, listener)) return DONE
    return (await this.#options.upstream(server)?.unsubscribe(own)) ?? DONE
  }

  /** The same, where nobody waits for the answer. */
  forget({ listener, server, own }: Wish): void {
    if (this.#drop(server, own, listener)) this.#release(server, own)
  }

  /** The listener is gone: what only it wanted ends upstream too. */
  end(listener: Listener): void {
    for (const [server, uris] of this.#wishes) {
      for (const own of [...uris.keys()]) if (this.#drop(server, own, listener)) this.#release(server, own)
    }
  }

  /** The listeners to tell that `own` (or something below a URI they chose) was updated, with the URI they know. */
  *interested(server: string, own: string): Generator<{ readonly listener: Listener; readonly shown: string }> {
    for (const [wished, listeners] of this.#wishes.get(server) ?? []) {
      if (!isWithin(own, wished)) continue
      for (const [listener, shown] of listeners) yield { listener, shown: own === wished ? shown : own }
    }
  }

  /** Another upstream serves under this name: it does not know yet what is subscribed. */
  replay(server: string): void {
    for (const own of this.#wishes.get(server)?.keys() ?? []) {
      this.#ask(server, own, {}).catch((reason: unknown) => this.#options.failed(server, reason))
    }
  }

  async #ask(server: string, own: string, params: Params): Promise<RpcResponse> {
    const { uri: _uri, ...extra } = params
    return (await this.#options.upstream(server)?.subscribe(own, extra)) ?? DONE
  }

  #release(server: string, own: string): void {
    const upstream = this.#options.upstream(server)
    upstream?.unsubscribe(own).catch((reason: unknown) => this.#options.failed(server, reason))
  }

  #listenersOf(server: string, own: string): Map<Listener, string> {
    const uris = this.#wishes.get(server) ?? new Map<string, Map<Listener, string>>()
    this.#wishes.set(server, uris)
    const listeners = uris.get(own) ?? new Map<Listener, string>()
    uris.set(own, listeners)
    return listeners
  }

  /** Returns whether it was the last one. */
  #drop(server: string, own: string, listener: Listener): boolean {
    const uris = this.#wishes.get(server)
    const listeners = uris?.get(own)
    if (!uris || !listeners?.delete(listener) || listeners.size > 0) return false
    uris.delete(own)
    if (uris.size === 0) this.#wishes.delete(server)
    return true
  }
}

function isWithin(own: string, wished: string): boolean {
  if (own === wished) return true
  return own.startsWith(wished) && (wished.endsWith('/') || '/?#'.includes(own.charAt(wished.length)))
}
