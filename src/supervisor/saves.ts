import { McpctlError } from '../shared/errors.ts'
import { Damper } from './damper.ts'
import type { Proposal } from './proposals.ts'

export interface SavesOptions {
  /** Reads the files as they are. */
  readonly read: () => Promise<Proposal>
  readonly adopt: (propose: () => Promise<Proposal>) => Promise<unknown>
  readonly rejected: (error: unknown) => void
  /** Tells one content of the files from another. */
  readonly contentOf: (proposal: Proposal) => string
  /** Monotonic, in milliseconds. */
  readonly now: () => number
}

/** Files that were saved, as proposals: one that waits takes in whatever comes meanwhile, restless ones are slowed down. */
export class Saves implements Disposable {
  readonly #options: SavesOptions
  readonly #damper: Damper
  #isWaiting = false
  /** Until what goes back and forth is read again. */
  #later: NodeJS.Timeout | undefined

  constructor(options: SavesOptions) {
    this.#options = options
    this.#damper = new Damper(options.now)
  }

  /** Something was saved, or a signal asked for it. */
  soon(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const { adopt, rejected } = this.#options
    // A failure is in the status, the events and the log by then; nobody waits for it here.
    adopt(() => this.#propose()).catch((error: unknown) => this.#later ?? rejected(error))
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#later)
  }

  async #propose(): Promise<Proposal> {
    this.#isWaiting = false
    clearTimeout(this.#later)
    this.#later = undefined
    const coming = this.#options.read()
    const ms = this.#damper.take(await coming.then(this.#options.contentOf, () => undefined))
    if (ms === 0) return coming
    this.#later = setTimeout(() => this.soon(), ms)
    throw new McpctlError('conflict', 'the files change back and forth')
  }
}
