import { envelope } from '../mcp/era.ts'
import { withMeta } from '../mcp/meta.ts'
import { type Id, isRecord, type Params, type RpcNotification } from '../mcp/rpc.ts'
import type { Text } from '../mcp/text.ts'
import type { Listener } from './asker.ts'
import type { Released } from './released.ts'

/** What a listen may ask to hear of. (MCP: Subscriptions, 2026-07-28.) */
export interface Filter {
  readonly toolsListChanged: boolean
  readonly promptsListChanged: boolean
  readonly resourcesListChanged: boolean
  readonly resourceSubscriptions: readonly string[]
}

/** The URIs of one listen: each may become a subscription of its own upstream. */
const MOST_URIS = 1000

/** The filter of a request; a sentence when it is not one. */
export function filterOf(params: Params | undefined): Filter | string {
  const asked = params?.notifications
  if (!isRecord(asked)) return 'params.notifications must be an object'
  const { toolsListChanged = false, promptsListChanged = false, resourcesListChanged = false } = asked
  const { resourceSubscriptions = [] } = asked
  if (typeof toolsListChanged !== 'boolean') return 'toolsListChanged must be a boolean'
  if (typeof promptsListChanged !== 'boolean') return 'promptsListChanged must be a boolean'
  if (typeof resourcesListChanged !== 'boolean') return 'resourcesListChanged must be a boolean'
  if (!isUris(resourceSubscriptions)) return `resourceSubscriptions must be an array of at most ${MOST_URIS} URIs`
  return { toolsListChanged, promptsListChanged, resourcesListChanged, resourceSubscriptions }
}

function isUris(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MOST_URIS && value.every((uri) => typeof uri === 'string')
}

export interface ListenOptions {
  readonly server: string | undefined
  /** Of the request: it marks all that is said on its stream. */
  readonly id: Id
  readonly stream: ListenStream
}

/** What a listen is told on. */
export interface ListenStream {
  readonly isOpen: boolean
  send(body: Text): boolean
  finish(body: Text): void
  release(): Released | undefined
}

/** One `subscriptions/listen`: a stream that says what it was asked for, and nothing before that is acknowledged. */
export class Listen implements Listener {
  readonly server: string | undefined
  readonly id: Id
  #stream: ListenStream
  #honoured: Filter | undefined
  #methods: ReadonlySet<string> = new Set()

  constructor({ server, id, stream }: ListenOptions) {
    this.server = server
    this.id = id
    this.#stream = stream
  }

  get isOpen(): boolean {
    return this.#stream.isOpen
  }

  /** Says what is honoured of what was asked; from now on that is told. With nothing to tell it ends; see `end`. */
  acknowledge(honoured: Filter, meta: Params): void {
    const { resourceSubscriptions: uris, ...changes } = honoured
    const told = Object.entries(changes).filter(([, isTold]) => isTold)
    const notifications = { ...Object.fromEntries(told), ...(uris.length > 0 && { resourceSubscriptions: uris }) }
    this.#send({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications },
    })
    this.promise(honoured)
    if (this.#methods.size === 0) this.end(meta)
  }

  /** What is honoured of what was asked; undefined until that is acknowledged. */
  get honoured(): Filter | undefined {
    return this.#honoured
  }

  /** From now on this is told; the client knows. */
  promise(honoured: Filter): void {
    this.#honoured = honoured
    this.#methods = new Set(methodsOf(honoured))
  }

  /** The connection has come; what waited for it goes first. */
  continueOn(stream: ListenStream, waited: readonly Text[]): void {
    this.#stream = stream
    for (const body of waited) stream.send(body)
  }

  /** See `EventStream`: another process goes on with it. */
  release(): Released | undefined {
    return this.#stream.release()
  }

  notify(notification: RpcNotification): void {
    if (this.#methods.has(notification.method)) this.#send(notification)
  }

  #send({ params, ...notification }: RpcNotification): void {
    this.#stream.send(JSON.stringify({ ...notification, params: withMeta(params, this.#stamp()) }))
  }

  /** Nothing more will be said, and that is no fault: the request gets its empty result. `meta` goes into it. */
  end(meta: Params): void {
    const result = { resultType: 'complete', _meta: { ...meta, ...this.#stamp() } }
    this.#stream.finish(JSON.stringify({ jsonrpc: '2.0', id: this.id, result }))
  }

  #stamp(): Params {
    return { [envelope.subscription]: this.id }
  }
}

function methodsOf(filter: Filter): readonly string[] {
  return [
    ...(filter.toolsListChanged ? ['notifications/tools/list_changed'] : []),
    ...(filter.promptsListChanged ? ['notifications/prompts/list_changed'] : []),
    ...(filter.resourcesListChanged ? ['notifications/resources/list_changed'] : []),
    ...(filter.resourceSubscriptions.length > 0 ? ['notifications/resources/updated'] : []),
  ]
}
