import type { Address } from '../downstream/listens.ts'
import type { SessionFacts } from '../downstream/sealer.ts'
import { INVALID_PARAMS, type Params, RpcFailure } from '../mcp/rpc.ts'
import { type Learned, locateOnly } from '../relay/router.ts'
import type { Kind } from '../upstream/listing.ts'
import type { Catalog } from './catalog.ts'
import { type FreshnessOptions, freshnessOf, listTail } from './frames.ts'
import { capabilitiesOf, discoverResult, type Identity, initializeResult, withServerInfo } from './handshake.ts'
import type { View } from './view.ts'

export interface GreeterOptions {
  readonly catalog: Catalog
  readonly identity: Identity
  /** Resolves when the first lists of that address are known, or it has been waited for long enough. */
  readonly known: (server: string | undefined) => Promise<void> | undefined
  readonly freshness: () => FreshnessOptions
  readonly learned: Learned
}

/** What an address says of itself to who comes to it. */
export class Greeter {
  readonly #options: GreeterOptions

  constructor(options: GreeterOptions) {
    this.#options = options
  }

  /** The result of `initialize`. */
  async initialize({ server, version }: Pick<SessionFacts, 'server' | 'version'>): Promise<Params> {
    return initializeResult(await this.#watched(server), version, this.#options.identity)
  }

  /** The result of `server/discover`. */
  async discover(server: string | undefined): Promise<Params> {
    const { identity, freshness } = this.#options
    await this.#options.known(server)
    const view = this.view(server)
    return discoverResult(view, freshnessOf(view.offers, 'greeting', freshness()), identity)
  }

  /** What one can listen for there. */
  async address(server: string | undefined): Promise<Address> {
    const { identity, learned } = this.#options
    const view = await this.#watched(server)
    return {
      capabilities: capabilitiesOf(view, 'modern'),
      meta: withServerInfo(view, {}, identity),
      locate: (uri) => locateOnly(uri, { view: this.view(server), learned }),
    }
  }

  /** What closes a modern list: how long it is good for, and for whom. */
  listTail(view: View, kind: Kind): string {
    const { identity, freshness } = this.#options
    return listTail(freshnessOf(view.offers, kind, freshness()), withServerInfo(view, view.metas[kind], identity))
  }

  find(server: string | undefined): View | undefined {
    return this.#options.catalog.view(server)
  }

  /** Throws RpcFailure when there is no such address any more. */
  view(server: string | undefined): View {
    const view = this.find(server)
    if (view) return view
    throw new RpcFailure(INVALID_PARAMS, `Server ${server} is not in this group any more`)
  }

  /** From now on what changes there is told. */
  async #watched(server: string | undefined): Promise<View> {
    await this.#options.known(server)
    this.#options.catalog.watch(server)
    return this.view(server)
  }
}
