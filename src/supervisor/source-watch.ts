import type { Sources } from '../config/read.ts'
import type { Watch, WatchOptions } from '../config/watch.ts'

export type OpenWatch = (sources: Sources, options: WatchOptions) => Watch

/** The watch over the files of what is in force; none while the last apply did not ask for one. */
export class SourceWatch implements AsyncDisposable {
  readonly #open: OpenWatch
  readonly #options: WatchOptions
  #watch: Watch | undefined

  constructor(open: OpenWatch, options: WatchOptions) {
    this.#open = open
    this.#options = options
  }

  /** Watches these files from now on, and says when one is not as it was read. */
  follow(sources: Sources): void {
    if (this.#watch) this.#watch.update(sources)
    else this.#watch = this.#open(sources, this.#options)
  }

  async leave(): Promise<void> {
    const watch = this.#watch
    this.#watch = undefined
    await watch?.[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }
}
