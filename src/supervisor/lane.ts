/** Jobs one after the other, in the order they were asked for; a failed one does not hold up the next. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve()
  #length = 0

  /** How many have not ended yet. */
  get length(): number {
    return this.#length
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    this.#length++
    const mine = this.#last.then(job, job)
    this.#last = mine
    try {
      return await mine
    } finally {
      this.#length--
    }
  }
}
