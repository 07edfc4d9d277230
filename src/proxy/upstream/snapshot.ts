import { within } from '../../shared/async.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Era } from '../mcp/era.ts'
import type { Listing } from './listing.ts'
import type { SnapshotFolder } from './snapshot-folder.ts'
import { type Memory, nothing } from './snapshot-text.ts'

/** A server found to be legacy may have learned the other era since, and would never say so. */
const LEGACY_MS = 24 * 60 * 60 * 1000

/** A server is not kept waiting by a disk. */
const READ_MS = 2000

export interface SnapshotOptions {
  /**
   * `keep`: read and written. `consult`: only the era is taken from it, as what one client is shown is not for others.
   * `off`: what is found out is known for as long as the process lives.
   */
  readonly use: 'keep' | 'consult' | 'off'
  readonly folder: Pick<SnapshotFolder, 'read' | 'write'>
  /** Of the server and the credentials it is asked with: what it answers others is none of ours. */
  readonly key: string
  readonly log: Log
  /** Wall clock in milliseconds, since dates outlive the process. */
  readonly now: () => number
}

/**
 * What is known of one server from earlier starts: its lists, what it said of itself, which era it speaks. Read once,
 * written behind whenever it differs. A disk that fails costs the memory, nothing else: no method rejects.
 */
export class Snapshot {
  readonly #options: SnapshotOptions
  #memory: Promise<Memory> | undefined
  /** The lists that are in the file, or soon will be. */
  #listing: Listing | undefined
  #isQueued = false
  #saved: Promise<void> = Promise.resolve()

  constructor(options: SnapshotOptions) {
    this.#options = options
  }

  /** The lists as they were when last asked for; undefined when there are none. */
  async listing(): Promise<Listing | undefined> {
    return this.#options.use === 'keep' ? (await this.#load()).listing : undefined
  }

  /** What the server lists now, to be remembered. The same object again costs nothing. */
  keep(listing: Listing): void {
    if (this.#listing === listing) return
    this.#listing = listing
    this.#change({ listing })
  }

  /** The server does not answer to these credentials any more: what it said before is not to be shown on another start. */
  withdraw(): void {
    this.#listing = undefined
    this.#change({ listing: undefined })
  }

  /** Undefined when it is not known, or not any more. */
  async era(): Promise<Era | undefined> {
    const { verdict } = await this.#load()
    if (!verdict) return undefined
    const age = this.#options.now() - verdict.at
    const isFresh = age >= 0 && age < LEGACY_MS
    return verdict.era === 'modern' || isFresh ? verdict.era : undefined
  }

  /** The era was found out just now. */
  async settle(era: Era): Promise<void> {
    if ((await this.era()) !== era) this.#change({ verdict: { era, at: this.#options.now() } })
  }

  /** The era proved wrong. */
  forgetEra(): void {
    this.#change({ verdict: undefined })
  }

  /** Resolves when what was to be written is, or cannot be. */
  saved(): Promise<void> {
    return this.#saved
  }

  #load(): Promise<Memory> {
    this.#memory ??= this.#read()
    return this.#memory
  }

  async #read(): Promise<Memory> {
    const { use, folder, key, log } = this.#options
    if (use === 'off') return nothing
    try {
      const memory = await within(READ_MS, folder.read(key), null)
      if (memory === null) throw new Error(`the disk did not answer within ${READ_MS} ms`)
      if (memory === undefined) return nothing
      this.#listing ??= memory.listing
      return memory
    } catch (error) {
      log.warn('the snapshot on disk is of no use', { reason: messageOf(error) })
      return nothing
    }
  }

  #change(change: Partial<Memory>): void {
    this.#memory = this.#load().then((memory) => ({ ...memory, ...change }))
    if (this.#options.use !== 'keep' || this.#isQueued) return
    this.#isQueued = true
    this.#saved = this.#write()
  }

  async #write(): Promise<void> {
    const { folder, key, log } = this.#options
    try {
      await folder.write(key, async () => {
        const memory = await this.#load()
        this.#isQueued = false
        return memory.listing || memory.verdict ? memory : undefined
      })
    } catch (error) {
      log.warn('the snapshot is not kept', { reason: messageOf(error) })
    }
  }
}
