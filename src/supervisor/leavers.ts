import type { Child } from './child.ts'
import type { Surroundings } from './surroundings.ts'

export interface Farewell {
  /** How long what is in flight may take. */
  readonly graceMs: number
  /** Its streams go to the proxy that takes its place. */
  readonly handOver?: boolean
}

/** The proxies of a group that are on their way out, until nobody is left of them. */
export class Leavers {
  readonly #reap: Surroundings['reap']
  readonly #leaving = new Map<Child, Promise<void>>()

  constructor(reap: Surroundings['reap']) {
    this.#reap = reap
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#leaving.keys()
  }

  /** Resolves when nobody is left of the proxy, nor of its servers. Asked again, the first farewell counts. */
  retire(child: Child, farewell: Farewell): Promise<void> {
    const known = this.#leaving.get(child)
    if (known !== undefined) return known
    const left = this.#bury(child, farewell).finally(() => this.#leaving.delete(child))
    this.#leaving.set(child, left)
    return left
  }

  /** They have had their time: another generation takes over. */
  hasten(): void {
    for (const child of this.#leaving.keys()) child.hasten()
  }

  /** Resolves when all have left. */
  async left(): Promise<void> {
    await Promise.all(this.#leaving.values())
  }

  async #bury(child: Child, { graceMs, handOver = false }: Farewell): Promise<void> {
    await child.stop(graceMs, handOver)
    await this.#reap(new Set(child.status?.servers.flatMap(({ pid }) => pid ?? [])))
  }
}
