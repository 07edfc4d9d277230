import { redact } from '../shared/secret.ts'
import type { CatalogStatus, ProxyState, ServerStatus } from '../shared/status.ts'
import { epochOf } from './catalog/epoch.ts'
import type { Offer } from './catalog/offer.ts'
import type { Seat } from './servers/seat.ts'

/** A server as `mcpctl status` shows it: counts after filters, the last error without secrets. */
export function serverStatus(seat: Seat, offer: Offer, secrets: readonly string[]): ServerStatus {
  const { server, state, newest } = seat
  const lastError = newest?.lastError ?? null
  return {
    name: server.name,
    state,
    transport: newest?.transport ?? (server.transport.kind === 'auto' ? 'http' : server.transport.kind),
    pid: newest?.pid ?? null,
    protocol: offer.listing?.protocolVersion ?? null,
    tools: listed(offer.items.tools),
    resources: listed(offer.items.resources),
    prompts: listed(offer.items.prompts),
    restarts: newest?.restarts ?? 0,
    lastError: lastError === null ? null : redact(lastError, secrets),
    ...(server.pins !== null && { drift: offer.findings.length }),
  }
}

function listed(items: Offer['items']['tools']): number {
  return items.filter(({ isBlocked }) => !isBlocked).length
}

/** The whole of a proxy, as it is now. */
export interface Report {
  readonly generation: number
  readonly state: ProxyState
  readonly catalog: CatalogStatus
  /** In the order of the group. */
  readonly servers: readonly ServerStatus[]
}

/** The servers of a proxy in its order, and as one word what they list. */
export function serversOf(seats: Iterable<Seat>, offer: (seat: Seat) => Offer, secrets: readonly string[]) {
  const offered = [...seats].map((seat) => ({ seat, offer: offer(seat) }))
  const servers = offered.map((each) => serverStatus(each.seat, each.offer, secrets))
  return { servers, catalog: { epoch: epochOf(offered.map((each) => each.offer)) } }
}

/** What of a report is news: of the servers those that differ, and all their names when they are others than before. */
export interface ReportNews extends Report {
  readonly order?: readonly string[]
}

/** Sends what changed, once per burst: a start of forty servers is not a hundred messages. */
export class Reporter implements Disposable {
  readonly #make: () => Report
  readonly #send: (news: ReportNews) => void
  #told: ReadonlyMap<string, ServerStatus> = new Map()
  #timer: NodeJS.Timeout | undefined

  constructor(make: () => Report, send: (news: ReportNews) => void) {
    this.#make = make
    this.#send = send
  }

  changed(): void {
    this.#timer ??= setTimeout(() => this.flush(), COALESCE)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const report = this.#make()
    const told = this.#told
    this.#told = new Map(report.servers.map((server) => [server.name, server]))
    const servers = report.servers.filter((server) => !isSame(server, told.get(server.name)))
    const order = [...this.#told.keys()]
    this.#send({ ...report, servers, ...(JSON.stringify(order) !== JSON.stringify([...told.keys()]) && { order }) })
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

const COALESCE = 20

/** By field: each is a plain value, and there may be a thousand servers with something to tell many times a second. */
function isSame<T extends object>(one: T, other: T | undefined): boolean {
  if (!other || Object.keys(one).length !== Object.keys(other).length) return false
  for (const field in one) if (one[field] !== other[field]) return false
  return true
}
