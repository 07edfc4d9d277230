import type { Era } from '../mcp/era.ts'
import { type Kind, kinds } from '../upstream/listing.ts'
import type { List } from './list.ts'
import type { View } from './view.ts'

/** Who may have seen lists, and is told when they are other ones. */
export interface Watch {
  /** The lists as they are now; undefined when there is nothing to see any more. */
  readonly view: () => View | undefined
  readonly tell: (changed: readonly Kind[]) => void
}

/** By era, since the same change may show in one and not in the other. */
type Seen = Readonly<Record<Era, Partial<Record<Kind, List>>>>

const nothing: Seen = { legacy: {}, modern: {} }
const eras = ['legacy', 'modern'] as const

interface Watching extends Watch {
  seen: Seen
  toldAt: number
}

/** Between a change and telling of it: a server that changes one list often changes the next right after. */
const SETTLE = 100
const MOST_OFTEN = 1000

/** Tells of changes a moment after they are in place, not too often, and only if the bytes differ from those seen. */
export class Watches implements Disposable {
  readonly #watching = new Map<unknown, Watching>()
  #timer: NodeJS.Timeout | undefined

  /** From now on `who` is told of changes against `seen`. The first of several watches for one counts. */
  add(who: unknown, watch: Watch, seen: Seen = nothing): void {
    if (!this.#watching.has(who)) this.#watching.set(who, { ...watch, seen, toldAt: Number.NEGATIVE_INFINITY })
  }

  has(who: unknown): boolean {
    return this.#watching.has(who)
  }

  /** This was given out to a legacy client. */
  showed(who: unknown, kind: Kind, list: List): void {
    const watching = this.#watching.get(who)
    if (watching) watching.seen = { ...watching.seen, legacy: { ...watching.seen.legacy, [kind]: list } }
  }

  delete(who: unknown): void {
    this.#watching.delete(who)
  }

  get isPending(): boolean {
    return this.#timer !== undefined
  }

  /** Something may have changed: everybody's view is looked at in a moment. */
  later(ms = SETTLE): void {
    this.#timer ??= setTimeout(() => this.#look(), ms)
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    const waits = [...this.#watching].map(([who, watching]) => this.#lookFor(who, watching, now))
    const wait = Math.min(...waits)
    if (wait < Number.POSITIVE_INFINITY) this.later(wait)
  }

  /** Returns after how many milliseconds to come back; infinity when there is nothing left to tell. */
  #lookFor(who: unknown, watching: Watching, now: number): number {
    const { seen, toldAt } = watching
    const lists = watching.view()?.lists
    if (!lists) this.#watching.delete(who)
    const changed = lists ? kinds.filter((kind) => eras.some((era) => isOther(seen[era][kind], lists[era][kind]))) : []
    if (!lists || changed.length === 0) return Number.POSITIVE_INFINITY
    if (now - toldAt < MOST_OFTEN) return MOST_OFTEN - (now - toldAt)
    watching.seen = { legacy: renewed(seen.legacy, lists.legacy), modern: renewed(seen.modern, lists.modern) }
    watching.toldAt = now
    watching.tell(changed)
    return Number.POSITIVE_INFINITY
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#watching.clear()
  }
}

function isOther(seen: List | undefined, now: List): boolean {
  return seen !== undefined && !now.equals(seen)
}

/** What was seen, as it is now; what was not stays unseen. */
function renewed(seen: Seen[Era], now: View['lists'][Era]): Seen[Era] {
  return Object.fromEntries(kinds.flatMap((kind) => (seen[kind] ? [[kind, now[kind]]] : [])))
}
