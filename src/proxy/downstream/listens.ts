import type { ServerResponse } from 'node:http'
import { within } from '../../shared/async.ts'
import type { Subscriptions } from '../audience/subscriptions.ts'
import type { Target } from '../catalog/piece.ts'
import { INVALID_PARAMS, isRecord, type Params, type RpcRequest } from '../mcp/rpc.ts'
import type { StandingListen } from '../succession/word.ts'
import { busy, type Denial, deny, overloaded } from './denial.ts'
import { type Filter, filterOf, Listen } from './listen.ts'
import type { Pulse } from './pulse.ts'
import type { Expected, Standee } from './standee.ts'
import { EventStream } from './stream.ts'
import { WaitingStream } from './waiting-stream.ts'

/** What one address can tell of. */
export interface Address {
  readonly capabilities: Params
  /** The `_meta` of results made here. */
  readonly meta: Params
  /** Where a URI leads; undefined when nobody is known to have it. */
  readonly locate: (uri: string) => Target | undefined
}

export interface ListensOptions {
  readonly pulse: Pulse
  readonly subscriptions: Subscriptions
  /** Asked each time: a reload may change it. */
  readonly most: () => number
  /** From now on its changes are told; may wait for servers that are not known yet. */
  readonly watch: (server: string | undefined) => Promise<Address>
}

/** How long a server may take to accept a subscription before the client is told that it is not honoured. */
const ACCEPTANCE = 3000

/** The listens that are open. When they are too many new ones are refused; none is ever ended for another. */
export class Listens {
  readonly #options: ListensOptions
  readonly #open = new Map<Listen, Params>()
  #isOver = false

  constructor(options: ListensOptions) {
    this.#options = options
  }

  [Symbol.iterator](): IterableIterator<Listen> {
    return this.#open.keys()
  }

  /** Answers a `subscriptions/listen` of `server`'s address with a stream. Rejects when there is no such address. */
  async open(response: ServerResponse, server: string | undefined, { id, params }: RpcRequest): Promise<void> {
    const filter = filterOf(params)
    if (typeof filter === 'string') return deny(response, { status: 200, code: INVALID_PARAMS, message: filter, id })
    const address = await this.#options.watch(server)
    if (this.#isOver) return deny(response, { ...draining, id })
    if (this.#open.size >= this.#options.most()) return deny(response, { ...full, id })
    if (response.destroyed) return
    const listen = new Listen({ server, id, stream: new EventStream(response, this.#options.pulse) })
    this.#open.set(listen, address.meta)
    response.once('close', () => this.#close(listen))
    listen.acknowledge(await this.#honour(listen, filter, address), address.meta)
  }

  #close(listen: Listen): void {
    this.#open.delete(listen)
    this.#options.subscriptions.end(listen)
  }

  async #honour(listen: Listen, filter: Filter, { capabilities, locate }: Address): Promise<Filter> {
    const tries = [...new Set(filter.resourceSubscriptions)].map(async (uri) => {
      const target = locate(uri)
      return target && (await this.#subscribe(listen, uri, target)) ? [uri] : []
    })
    return {
      toolsListChanged: filter.toolsListChanged && changes(capabilities.tools),
      promptsListChanged: filter.promptsListChanged && changes(capabilities.prompts),
      resourcesListChanged: filter.resourcesListChanged && changes(capabilities.resources),
      resourceSubscriptions: (await Promise.all(tries)).flat(),
    }
  }

  /** Returns whether the server accepted it in time; what it accepts later is ended again. */
  async #subscribe(listen: Listen, shown: string, { server, own }: Target): Promise<boolean> {
    const { subscriptions } = this.#options
    const wish = { listener: listen, server, own, shown }
    const accepted = subscriptions.subscribe(wish, {}).then(
      (response) => response.error === undefined,
      () => false,
    )
    if (await within(ACCEPTANCE, accepted, false)) return true
    subscriptions.forget(wish)
    return false
  }

  /** Those that are open, when this process is about to leave. */
  *standees(): Generator<Standee> {
    for (const [listen, meta] of this.#open) yield standee(listen, meta)
  }

  /** One that another process had. Resolves when what it wants to hear of is arranged for. */
  async expect({ server, id, filter, meta }: StandingListen): Promise<Expected> {
    const waiting = new WaitingStream({ isOpen: true })
    const listen = new Listen({ server, id, stream: waiting })
    listen.promise(filter)
    this.#open.set(listen, meta)
    const dismiss = (): void => this.#close(listen)
    const adopt: Expected['adopt'] = (_standing, outgoing) => {
      if (!outgoing) return void dismiss()
      outgoing.once('close', dismiss)
      listen.continueOn(new EventStream(outgoing, this.#options.pulse), waiting.take())
      if (!isServed) listen.end(meta)
      return listen
    }
    const isServed = await this.#again(listen, filter)
    return { adopt, dismiss }
  }

  /** Returns whether there is such an address still. What servers do not accept, they said before that they do. */
  async #again(listen: Listen, { resourceSubscriptions }: Filter): Promise<boolean> {
    const address = await this.#options.watch(listen.server).catch(() => undefined)
    const tries = resourceSubscriptions.map(async (shown) => {
      const target = address?.locate(shown)
      if (target) await this.#subscribe(listen, shown, target)
    })
    await Promise.all(tries)
    return address !== undefined
  }

  /** Ends in peace those of addresses that are there no more. */
  prune(isServed: (server: string | undefined) => boolean): void {
    for (const [listen, meta] of this.#open) if (!isServed(listen.server)) listen.end(meta)
  }

  /** Ends all of them in peace; what comes from now on is refused. */
  end(): void {
    this.#isOver = true
    for (const [listen, meta] of this.#open) listen.end(meta)
  }
}

function standee(listen: Listen, meta: Params): Standee {
  const { server, id, honoured: filter } = listen
  const standing: StandingListen | undefined = filter && { kind: 'listen', server, id, filter, meta }
  return {
    of: listen,
    standing,
    release: () => {
      const connection = standing && listen.release()
      return connection && { standing, connection }
    },
    end: () => listen.end(meta),
  }
}

function changes(capability: unknown): boolean {
  return isRecord(capability) && capability.listChanged === true
}

const full: Denial = overloaded(503, 'Too many subscriptions, try again later', 30_000)
const draining: Denial = busy('draining', { status: 503, message: 'The proxy stops', retryAfterMs: 30_000 })
