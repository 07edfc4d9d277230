import type { Child } from './child.ts'

/** The processes of a group that only finish their work. */
export class Leaving {
  readonly #left = new Map<Child, Promise<void>>()
  readonly #reap: (child: Child) => Promise<void>

  /** `reap` ends what is left of a proxy's servers. */
  constructor(reap: (child: Child) => Promise<void>) {
    this.#reap = reap
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#left.keys()
  }

  /** Resolves when nobody is left of the proxy, nor of its servers. Asked again, the first grace counts. */
  retire(child: Child, graceMs: number, handOver = false): Promise<void> {
    const known = this.#left.get(child)
    if (known !== undefined) return known
    const left = this.#bury(child, graceMs, handOver).finally(() => this.#left.delete(child))
    this.#left.set(child, left)
    return left
  }

  async #bury(child: Child, graceMs: number, handOver: boolean): Promise<void> {
    await child.stop(graceMs, handOver)
    await this.#reap(child)
  }

  /** One more generation takes over: two are enough, so whoever is older than the last ends now. */
  hasten(): void {
    for (const child of this.#left.keys()) child.hasten()
  }

  /** Resolves when all have left that are leaving now. */
  async ended(): Promise<void> {
    await Promise.all(this.#left.values())
  }
}
