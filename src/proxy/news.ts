import type { Listener } from './asker.ts'
import type { Session } from './downstream/session.ts'
import type { RpcNotification } from './rpc.ts'
import type { Subscriptions } from './subscriptions.ts'
import { type Kind, kinds } from './upstream/listing.ts'

const methods = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
  templates: 'notifications/resources/list_changed',
} as const satisfies Record<Kind, string>

export interface NewsOptions {
  readonly sessions: Iterable<Session>
  readonly listens: Iterable<Listener>
  readonly subscriptions: Subscriptions
}

/** Brings what belongs to no request to the clients it concerns: legacy sessions, and the listens of modern ones. */
export class News {
  readonly #options: NewsOptions

  constructor(options: NewsOptions) {
    this.#options = options
  }

  /** The lists of one address changed; `server` undefined: the group's own address. */
  listsChanged(server: string | undefined, changed: readonly Kind[]): void {
    const { sessions, listens } = this.#options
    for (const listeners of [sessions, listens])
      for (const listener of listeners) if (listener.server === server) tell(listener, changed)
  }

  /** A session that outlived its proxy may hold lists that are no longer true: it is told to look again, once. */
  listening(session: Session): void {
    if (session.takeResumed()) tell(session, kinds)
  }

  /**
   * What a server said outside of any call: updates go to who subscribed, log messages to who set a level. Anything
   * else goes only where there is no doubt: to the one session that can see the server.
   */
  heard(server: string, notification: RpcNotification): void {
    const { method } = notification
    if (method === 'notifications/resources/updated') this.#updated(server, notification)
    else this.#spread(server, notification)
  }

  /** The modern era has no such messages: a listen is told only what it asked for. */
  #spread(server: string, notification: RpcNotification): void {
    const able = [...this.#options.sessions].filter(
      (session) => session.server === undefined || session.server === server,
    )
    const isLog = notification.method === 'notifications/message'
    const told = isLog ? able.filter((session) => session.wants(notification, false)) : able
    if (isLog || told.length === 1) for (const session of told) session.notify(notification)
  }

  /** What came with a call but belongs to others; returns whether it did. List changes are told by the catalog. */
  divert(server: string, notification: RpcNotification): boolean {
    if (notification.method.endsWith('/list_changed')) return true
    if (notification.method !== 'notifications/resources/updated') return false
    this.#updated(server, notification)
    return true
  }

  #updated(server: string, notification: RpcNotification): void {
    const { params } = notification
    for (const { listener, shown } of this.#options.subscriptions.interested(server, String(params?.uri)))
      listener.notify({ ...notification, params: { ...params, uri: shown } })
  }
}

function tell(listener: Listener, changed: readonly Kind[]): void {
  for (const method of new Set(changed.map((kind) => methods[kind]))) listener.notify({ jsonrpc: '2.0', method })
}
