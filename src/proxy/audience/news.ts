import type { Catalog } from '../catalog/catalog.ts'
import type { Listener } from '../downstream/asker.ts'
import type { Session } from '../downstream/session.ts'
import type { Sessions } from '../downstream/sessions.ts'
import type { Params, RpcNotification } from '../mcp/rpc.ts'
import { type Kind, kinds } from '../upstream/listing.ts'
import { type Belongings, NOBODY } from './belongings.ts'
import type { Sight } from './sight.ts'
import type { Subscriptions } from './subscriptions.ts'

const methods = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
  templates: 'notifications/resources/list_changed',
} as const satisfies Record<Kind, string>

const COMPLETE = 'notifications/elicitation/complete'

export interface NewsOptions {
  readonly sessions: Iterable<Session> & Pick<Sessions, 'named'>
  readonly listens: Iterable<Listener>
  readonly subscriptions: Subscriptions
  readonly sight: Pick<Sight, 'sees'>
  /** Knows who has lists of its own, and is told of their changes alone. */
  readonly catalog: Pick<Catalog, 'isWatchedBy'>
  readonly belongings: Belongings
}

/** The call that a notification came with. */
export interface Heard {
  /** Undefined for a modern client. */
  readonly session: Session | undefined
  readonly params: Params | undefined
}

/** Brings what belongs to no request to the clients it concerns: legacy sessions, and the listens of modern ones. */
export class News {
  readonly #options: NewsOptions

  constructor(options: NewsOptions) {
    this.#options = options
  }

  /** The lists of one address changed; `server` undefined: the group's own address. */
  listsChanged(server: string | undefined, changed: readonly Kind[]): void {
    const { sessions, listens, catalog } = this.#options
    for (const listeners of [sessions, listens])
      for (const listener of listeners)
        if (listener.server === server && !catalog.isWatchedBy(listener)) this.told(listener, changed)
  }

  /** A session that outlived its proxy may hold lists that are no longer true: it is told to look again, once. */
  listening(session: Session): void {
    if (session.takeResumed()) this.told(session, kinds)
  }

  /** The lists one listener sees changed. */
  told(listener: Listener, changed: readonly Kind[]): void {
    for (const method of new Set(changed.map((kind) => methods[kind]))) listener.notify({ jsonrpc: '2.0', method })
  }

  /**
   * What a server said outside of any call: updates go to who subscribed, log messages to who set a level, what belongs
   * to one session there. Anything else goes only where there is no doubt: to the one session that can see the server.
   */
  heard(way: string, notification: RpcNotification): void {
    const owner = this.#options.belongings.ownerOf(way, notification)
    if (owner !== undefined) this.#options.sessions.named(owner)?.say(notification)
    else if (notification.method === 'notifications/resources/updated') this.#updated(way, notification)
    else this.#spread(way, notification)
  }

  /** The modern era has no such messages: a listen is told only what it asked for. */
  #spread(way: string, notification: RpcNotification): void {
    const able = [...this.#options.sessions].filter((session) => this.#options.sight.sees(session, way))
    const isLog = notification.method === 'notifications/message'
    const told = isLog ? able.filter((session) => session.wants(notification, false)) : able
    if (isLog || told.length === 1) for (const session of told) session.notify(notification)
  }

  /** What came with a call but belongs to others; returns whether it did. List changes are told by the catalog. */
  divert(way: string, notification: RpcNotification, call: Heard): boolean {
    if (notification.method.endsWith('/list_changed')) return true
    const owner = this.#options.belongings.ownerOf(way, notification)
    if (owner !== undefined) return this.#passed(owner, notification, call)
    if (notification.method !== 'notifications/resources/updated') return false
    this.#updated(way, notification)
    return true
  }

  /**
   * What is about a task nobody has yet is about the one that this very call begins; that all is done on a page that
   * nobody was sent to belongs to the call it came with.
   */
  #passed(owner: string, notification: RpcNotification, { session, params }: Heard): boolean {
    const { method } = notification
    const isOwn =
      owner === session?.facts.sid || (owner === NOBODY && (params?.task !== undefined || method === COMPLETE))
    if (isOwn || method === 'notifications/progress') return false
    this.#options.sessions.named(owner)?.say(notification)
    return true
  }

  #updated(way: string, notification: RpcNotification): void {
    const { params } = notification
    for (const { listener, shown } of this.#options.subscriptions.interested(way, String(params?.uri)))
      listener.notify({ ...notification, params: { ...params, uri: shown } })
  }
}
