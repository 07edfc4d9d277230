import { join } from 'node:path'
import type { Server } from '../config/profile.ts'
import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import type { ServerState } from '../shared/status.ts'
import { Parking } from './bridge/parking.ts'
import { Connector } from './servers/connector.ts'
import type { Listing } from './upstream/listing.ts'
import { SnapshotFolder } from './upstream/snapshot-folder.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface SurveyOptions {
  /** Of mcpctl. */
  readonly version: string
  /** The absolute state folder: the marker of every process that is started. */
  readonly owner: string
  /** What stdio servers may inherit from. */
  readonly env: Env
  /** Ends it early: what is started is ended all the same. */
  readonly signal: AbortSignal
}

/** What one server said of itself, or why that is not known. */
export type Answer =
  | { readonly server: Server; readonly listing: Listing }
  | { readonly server: Server; readonly state: ServerState; readonly reason: string }

/**
 * Asks servers themselves what they offer, all at once and in the very way a proxy does, so that it sees what a proxy
 * would see. Starts what has to be started and ends it again. Never rejects.
 */
export async function survey(servers: readonly Server[], options: SurveyOptions): Promise<readonly Answer[]> {
  using parking = new Parking()
  const problems = new Map<string, string>()
  const connector = connectorOf(options, parking, problems)
  return Promise.all(servers.map((server) => answerOf(server, { connector, problems, signal: options.signal })))
}

interface Asking extends Pick<SurveyOptions, 'signal'> {
  readonly connector: Connector
  /** By server. */
  readonly problems: ReadonlyMap<string, string>
}

/** Nothing is taken from earlier starts, and nothing is remembered. */
async function answerOf(server: Server, { connector, problems, signal }: Asking): Promise<Answer> {
  await using upstream = connector.connect({ ...server, cache: { mode: 'notify', persist: false } })
  upstream.start()
  await settledOrAborted(upstream, signal)
  const { listing, state } = upstream
  if (signal.aborted) return { server, state, reason: 'interrupted' }
  if (state !== 'ready' || !listing) return { server, state, reason: upstream.lastError ?? `it is ${state}` }
  // Half a list would be taken for the whole.
  const problem = problems.get(server.name)
  return problem === undefined ? { server, listing } : { server, state, reason: problem }
}

function connectorOf(
  { version, owner, env }: SurveyOptions,
  parking: Parking,
  problems: Map<string, string>,
): Connector {
  return new Connector({
    identity: { name: 'mcpctl', version, project: '', group: '' },
    owner,
    env,
    parking,
    snapshots: new SnapshotFolder({ path: join(owner, 'catalog'), secrets: () => [] }),
    privacy: () => {
      throw new Error('a shared upstream has no client of its own')
    },
    log: logFor('', problems),
    events: { changed: () => {}, listed: () => {}, notified: () => {} },
  })
}

function settledOrAborted(upstream: Upstream, signal: AbortSignal): Promise<unknown> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  return signal.aborted ? Promise.resolve() : Promise.race([upstream.settled(), aborted])
}

/** Of all that is logged of a server, that a list did not come as it should. */
function logFor(name: string, problems: Map<string, string>): Log {
  const silent = (): void => {}
  const warn: Log['warn'] = (_message, { method, problem } = {}) => {
    if (typeof problem === 'string') problems.set(name, `${String(method)}: ${problem}`)
  }
  const inner = ({ server }: Readonly<Record<string, unknown>>) =>
    logFor(typeof server === 'string' ? server : name, problems)
  return { debug: silent, info: silent, warn, error: silent, with: inner }
}
