interface Entry<Value> {
  value: Value | undefined
}

/** After so many additions, or twice as many as there are entries, the map is made anew. */
const RENEWAL = 64

/**
 * A map for what comes and goes thousands of times a second. A plain Map outgrows its memory again and again, and V8 has
 * each old piece point to the next one: once a piece is old enough that only a full collection frees it, all that was in
 * the later ones, with everything those values lead to, waits for that as well. Here the pieces hold entries that are
 * emptied when their value leaves, and the row of pieces never gets long.
 */
export class Register<Key extends string | number, Value extends object> {
  #entries = new Map<Key, Entry<Value>>()
  /** Since the map was made. */
  #added = 0

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)?.value
  }

  set(key: Key, value: Value): void {
    this.delete(key)
    this.#renew()
    this.#entries.set(key, { value })
  }

  #renew(): void {
    if (++this.#added < Math.max(RENEWAL, 2 * this.#entries.size)) return
    this.#added = 0
    this.#entries = new Map(this.#entries)
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    entry.value = undefined
    this.#entries.delete(key)
  }

  /** The oldest first. */
  *values(): Generator<Value> {
    for (const { value } of this.#entries.values()) if (value) yield value
  }
}
