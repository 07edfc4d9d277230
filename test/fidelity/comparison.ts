import { type Cell, isCrossed } from './cells.ts'
import { connect, type RawClient, type Transcript } from './client.ts'
import type { Exchange } from './exchange.ts'
import { comparableReceived, comparableSeen } from './exclusions.ts'
import type { Path } from './ground.ts'
import type { Json, MirrorServer } from './mirror.ts'
import { firstDifference } from './pointer.ts'
import { translatedReceived, translatedSeen } from './translations.ts'
import type { Wire } from './wire.ts'

/** One exchange that was not the same through the proxy: what the client saw and what the server got, either way. */
export interface Difference {
  readonly exchange: Exchange
  readonly side: 'client' | 'server'
  /** Where they part: the proxied value, not the direct one. */
  readonly at: string
  readonly direct: readonly Json[]
  readonly proxied: readonly Json[]
}

/** The clients of one exchange: through the proxy, directly to a server of their own era, and the direct server's. */
interface Lane {
  readonly proxied: RawClient
  readonly direct: RawClient
  readonly native: RawClient
}

/** Holds exchanges through the proxy against the same ones without it. */
export class Comparison {
  readonly #path: Path
  readonly #cell: Cell
  readonly #lanes: readonly Lane[]
  #keys = 0

  private constructor(path: Path, lanes: readonly Lane[]) {
    this.#path = path
    this.#cell = path.terrain.cell
    this.#lanes = lanes
  }

  static async of(path: Path, wire: Wire): Promise<Comparison> {
    const lanes = await Promise.all(Array.from({ length: path.width }, () => openLane(path, wire)))
    return new Comparison(path, lanes)
  }

  /** At most as many exchanges as the path is wide, all at once. */
  async differences(exchanges: readonly Exchange[]): Promise<readonly Difference[]> {
    const keys = exchanges.map(() => `${++this.#keys}`)
    const run = (which: keyof Lane) =>
      Promise.all(exchanges.map((exchange, i) => this.#run(which, exchange, `${keys[i]}`, this.#lanes[i])))
    const isNative = this.#cell.client === this.#cell.server
    const [direct, proxied] = [await run('direct'), await run('proxied')]
    if (!isNative) await run('native')
    const { behind, twins } = this.#path
    const [expected, got] = await Promise.all([twins[this.#cell.server].received(keys), behind.received(keys)])
    if (!isNative) await twins[this.#cell.client].received(keys)
    return exchanges.flatMap((exchange, i) => [
      ...this.#seen(exchange, direct[i] ?? [], proxied[i] ?? []),
      ...this.#received(exchange, expected[i] ?? [], got[i] ?? []),
    ])
  }

  async #run(which: keyof Lane, exchange: Exchange, key: string, lane: Lane | undefined): Promise<Transcript> {
    if (!lane) throw new Error('more exchanges than lanes')
    return lane[which].run(which === 'proxied' ? renamed(exchange, this.#path.shown) : exchange, key)
  }

  #seen(exchange: Exchange, direct: Transcript, proxied: Transcript): Difference[] {
    const comparable = (one: Transcript) => {
      const seen = comparableSeen(one, this.#cell.client)
      return isCrossed(this.#cell) ? translatedSeen(seen) : seen
    }
    return difference(exchange, 'client', comparable(direct), comparable(proxied))
  }

  #received(exchange: Exchange, direct: readonly Json[], proxied: readonly Json[]): Difference[] {
    const comparable = (one: readonly Json[]) => {
      const received = comparableReceived(one, this.#cell.server)
      return isCrossed(this.#cell) ? translatedReceived(received) : received
    }
    return difference(exchange, 'server', comparable(direct), comparable(proxied))
  }
}

async function openLane({ terrain: { cell }, twins, url }: Path, wire: Wire): Promise<Lane> {
  const [proxied, direct, native] = await Promise.all([
    connect(cell.client, wire, url),
    connect(cell.client, wire, addressOf(twins[cell.client])),
    connect(cell.server, wire, addressOf(twins[cell.server])),
  ])
  return { proxied, direct, native }
}

function addressOf({ url }: MirrorServer): string {
  if (url === undefined) throw new Error('a twin is reached over HTTP')
  return url
}

function difference(exchange: Exchange, side: Difference['side'], direct: readonly Json[], proxied: readonly Json[]) {
  const at = firstDifference(proxied, direct)
  return at === undefined ? [] : [{ at, exchange, side, direct, proxied }]
}

/** The exchange as the address has it: its names for tools and prompts instead of the server's own. */
function renamed(exchange: Exchange, shown: (own: string) => string): Exchange {
  const { method, params } = exchange
  const ref = params.ref as Json | undefined
  if (method === 'tools/call' || method === 'prompts/get')
    return { ...exchange, params: { ...params, name: shown(String(params.name)) } }
  if (method === 'completion/complete' && ref?.type === 'ref/prompt')
    return { ...exchange, params: { ...params, ref: { ...ref, name: shown(String(ref.name)) } } }
  return exchange
}
