/** What is on its way out, and must be gone before its owner is. */
export class Leaving {
  readonly #ends = new Set<Promise<void>>()

  /** `end` never rejects. */
  add(end: Promise<void>): void {
    this.#ends.add(end)
    void end.finally(() => this.#ends.delete(end))
  }

  /** Resolves when all of it is gone. */
  async gone(): Promise<void> {
    await Promise.all(this.#ends)
  }
}
