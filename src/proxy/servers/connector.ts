import { availableParallelism } from 'node:os'
import type { Server } from '../../config/profile.ts'
import type { Log } from '../../shared/log.ts'
import type { Env } from '../../shared/paths.ts'
import type { Privacy } from '../audience/privacy.ts'
import type { Parking } from '../bridge/parking.ts'
import type { Identity } from '../catalog/handshake.ts'
import type { Sink } from '../mcp/exchange.ts'
import type { Declaration } from '../upstream/connection.ts'
import { sharedCapabilities } from '../upstream/handshake.ts'
import { Retries } from '../upstream/retries.ts'
import { Snapshot } from '../upstream/snapshot.ts'
import type { SnapshotFolder } from '../upstream/snapshot-folder.ts'
import { timing } from '../upstream/timing.ts'
import { Turns } from '../upstream/turns.ts'
import { Upstream, type UpstreamEvents } from '../upstream/upstream.ts'
import { memoryKeyOf } from './memory-key.ts'
import type { Owner } from './sharing.ts'

export interface ConnectorOptions {
  readonly identity: Identity
  readonly owner: string
  readonly env: Env
  readonly parking: Parking
  /** Servers tried again at once; undefined for as many as is usual. */
  readonly retriesAtOnce?: number | undefined
  readonly snapshots: SnapshotFolder
  readonly log: Log
  /** What a shared upstream tells. */
  readonly events: UpstreamEvents
  /** Where a client's own upstream and that client meet. Asked when there is one: it knows the upstreams itself. */
  readonly privacy: () => Pick<Privacy, 'events' | 'ask'>
}

/** Processes that start: one that hangs is not alone. */
const FEWEST_AT_ONCE = 2

/** Makes upstreams: the shared one of a server speaks for the proxy, one that has an owner for that client. */
export class Connector {
  readonly #options: ConnectorOptions
  readonly #retries: Retries
  readonly #turns = new Turns({ most: Math.max(FEWEST_AT_ONCE, availableParallelism()), longest: timing.turn })

  constructor(options: ConnectorOptions) {
    this.#options = options
    const { retriesAtOnce: most } = options
    this.#retries = new Retries(most === undefined ? {} : { most })
  }

  /** Not started. */
  connect(server: Server, owner?: Owner): Upstream {
    const { owner: folder, env, identity, parking, log, events, privacy } = this.#options
    const { name, version } = identity
    return new Upstream({
      server,
      owner: folder,
      env,
      declares: owner ? declarationOf(owner) : { capabilities: sharedCapabilities, clientInfo: { name, version } },
      ...(owner?.session !== undefined && { client: this.#sink(owner) }),
      version,
      parking,
      retries: this.#retries,
      turns: this.#turns,
      snapshot: this.#snapshot(server, owner),
      log: owner ? log.with({ client: owner.key }) : log,
      events: owner ? privacy().events(owner) : events,
    })
  }

  /** What a server lists for one client is nothing to be remembered for others. */
  #snapshot(server: Server, owner: Owner | undefined): Snapshot {
    const { snapshots, log } = this.#options
    const kept = owner ? 'consult' : 'keep'
    return new Snapshot({
      use: server.cache.persist ? kept : 'off',
      folder: snapshots,
      key: memoryKeyOf(server),
      log: log.with({ server: server.name }),
      now: Date.now,
    })
  }

  #sink(owner: Owner): Sink {
    return { notify: () => {}, request: (request, asking) => this.#options.privacy().ask(owner, request, asking) }
  }
}

function declarationOf({ capabilities, clientInfo }: Owner): Declaration {
  return { capabilities, clientInfo }
}
