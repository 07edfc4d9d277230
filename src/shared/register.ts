interface Entry<Value> {
  value: Value | undefined
}

/**
 * A map for what comes and goes thousands of times a second. A plain Map outgrows its memory again and again, and V8 has
 * each old piece point to the next one: once a piece is old enough that only a full collection frees it, all that was in
 * the later ones, with everything those values lead to, waits for that as well. Here the pieces hold entries that are
 * emptied when their value leaves.
 */
export class Register<Key extends string | number, Value extends object> {
  readonly #entries = new Map<Key, Entry<Value>>()

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)?.value
  }

  set(key: Key, value: Value): void {
    this.delete(key)
    this.#entries.set(key, { value })
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
