import type { Session } from './downstream/session.ts'
import type { Params, RpcResponse } from './rpc.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface SubscriptionsOptions {
  /** The upstream that serves under this name now. */
  readonly upstream: (server: string) => Pick<Upstream, 'subscribe' | 'unsubscribe'> | undefined
  /** An upstream refused to end a subscription nobody needs any more: worth a line in the log. */
  readonly failed: (server: string, reason: unknown) => void
}

/** What a session wants to hear about: a server's own URI, and how the session's view calls it. */
export interface Wish {
  readonly session: Session
  readonly server: string
  readonly own: string
  readonly shown: string
}

const DONE: RpcResponse = { jsonrpc: '2.0', id: 0, result: {} }

/** One subscription per server and URI however many sessions share it: made for the first, ended with the last. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  /** server → own URI → session → URI as the session knows it. */
  readonly #wishes = new Map<string, Map<string, Map<Session, string>>>()
  readonly #pending = new Map<string, Promise<RpcResponse>>()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** The upstream's own response for who comes first or while it is awaited; an empty result for those after. */
  async subscribe({ session, server, own, shown }: Wish, params: Params): Promise<RpcResponse> {
    const key = `${server}\n${own}`
    const sessions = this.#sessionsOf(server, own)
    const isFirst = sessions.size === 0
    sessions.set(session, shown)
    if (isFirst)
      this.#pending.set(
        key,
        this.#ask(server, own, params).finally(() => this.#pending.delete(key)),
      )
    try {
      const response = await (this.#pending.get(key) ?? DONE)
      if (response.error !== undefined) this.#drop(server, own, session)
      return response
    } catch (failure) {
      this.#drop(server, own, session)
      throw failure
    }
  }

  async unsubscribe({ session, server, own }: Wish): Promise<RpcResponse> {
    if (!this.#drop(server, own, session)) return DONE
    return (await this.#options.upstream(server)?.unsubscribe(own)) ?? DONE
  }

  /** The session is over: what only it wanted ends upstream too. */
  end(session: Session): void {
    for (const [server, uris] of this.#wishes) {
      for (const own of [...uris.keys()]) if (this.#drop(server, own, session)) this.#release(server, own)
    }
  }

  /** The sessions to tell that `own` (or something below a URI they chose) was updated, with the URI they know. */
  *interested(server: string, own: string): Generator<{ readonly session: Session; readonly shown: string }> {
    for (const [wished, sessions] of this.#wishes.get(server) ?? []) {
      if (!isWithin(own, wished)) continue
      for (const [session, shown] of sessions) yield { session, shown: own === wished ? shown : own }
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

  #sessionsOf(server: string, own: string): Map<Session, string> {
    const uris = this.#wishes.get(server) ?? new Map<string, Map<Session, string>>()
    this.#wishes.set(server, uris)
    const sessions = uris.get(own) ?? new Map<Session, string>()
    uris.set(own, sessions)
    return sessions
  }

  /** Returns whether it was the last one. */
  #drop(server: string, own: string, session: Session): boolean {
    const uris = this.#wishes.get(server)
    const sessions = uris?.get(own)
    if (!uris || !sessions?.delete(session) || sessions.size > 0) return false
    uris.delete(own)
    if (uris.size === 0) this.#wishes.delete(server)
    return true
  }
}

function isWithin(own: string, wished: string): boolean {
  if (own === wished) return true
  return own.startsWith(wished) && (wished.endsWith('/') || '/?#'.includes(own.charAt(wished.length)))
}
