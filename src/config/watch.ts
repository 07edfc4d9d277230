import { dirname } from 'node:path'
import { pause } from '../shared/async.ts'
import { type Change, changesSince, identities } from './fingerprint.ts'
import { Parses } from './parses.ts'
import type { Sources } from './read.ts'
import { Touches } from './touches.ts'

export interface WatchOptions {
  /** Called once per change of content, after the writes have settled; never concurrently. */
  readonly onChange: () => void
  readonly onError: (error: unknown) => void
  /** Those of who reads the files next, so that they are parsed but once. */
  readonly parses?: Parses
}

/** Watches the folders of files and compares content, so that rename-over, recreate and symlink swaps are noticed. */
export interface Watch extends AsyncDisposable {
  /** Watches these files from now on, and compares with what was read in them. */
  update(sources: Sources): void
}

/** A save is taken after so much silence. */
const SILENCE = 30
/** Underneath the events: folders that come back, network mounts, queues of the system that overflowed. */
const POLL = 5000
/** What looks half-written is looked at again so often, and believed after so long. */
const SETTLE_STEP = 200
const SETTLE = 2000

/**
 * Watches files (and folders, for new YAML files in them) until disposed. What it compares with is what was read, so a
 * save between the reading and the watching is a change too. A deleted file is a change like any other: what it means
 * is up to who reads the files next.
 */
export function watchFiles(sources: Sources, options: WatchOptions): Watch {
  return new FileWatch(sources, options)
}

class FileWatch implements Watch {
  readonly #options: WatchOptions
  readonly #parses: Parses
  readonly #over = new AbortController()
  /** As last read, or as last reported. */
  #known: Sources
  #touches: Touches
  /** Which folders are held on to: a name may lead to another one by now. */
  #held: Promise<string>
  /** The check under way, and whether something happened since it began. */
  #checking: Promise<void> | undefined
  #again = false
  /** The look ahead under way. */
  #ahead: Promise<void> | undefined
  #silence: NodeJS.Timeout | undefined
  readonly #poll: NodeJS.Timeout

  constructor(sources: Sources, options: WatchOptions) {
    this.#options = options
    this.#parses = options.parses ?? new Parses()
    this.#known = sources
    this.#held = this.#holding()
    this.#touches = this.#open()
    this.#poll = setInterval(() => this.#check(), POLL)
    this.#check()
  }

  update(sources: Sources): void {
    const before = this.#known
    this.#known = sources
    // A check under way compares with what was known before.
    this.#again = this.#checking !== undefined
    if (sources.size === before.size && [...sources.keys()].every((path) => before.has(path))) return
    this.#reopen()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    clearTimeout(this.#silence)
    clearInterval(this.#poll)
    this.#touches[Symbol.dispose]()
    await Promise.all([this.#checking, this.#ahead])
  }

  #reopen(): void {
    this.#touches[Symbol.dispose]()
    this.#held = this.#holding()
    this.#touches = this.#open()
    // What was saved in between.
    this.#check()
  }

  #holding(): Promise<string> {
    const files = [...this.#known.keys()]
    return identities([...new Set([...files, ...files.map((file) => dirname(file))])])
  }

  #open(): Touches {
    const { onError } = this.#options
    return new Touches({ paths: this.#known.keys(), onTouch: () => this.#touch(), onError })
  }

  #touch(): void {
    if (this.#over.signal.aborted) return
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#check(), SILENCE)
    this.#lookAhead()
  }

  /** Parses during the silence what was saved, so that the check finds it parsed unless more has come. */
  #lookAhead(): void {
    this.#ahead ??= changesSince(this.#known, this.#parses)
      .then(() => {}, this.#options.onError)
      .finally(() => {
        this.#ahead = undefined
      })
  }

  #check(): void {
    if (this.#over.signal.aborted) return
    if (this.#checking !== undefined) {
      this.#again = true
      return
    }
    this.#checking = this.#compare()
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => {
        this.#checking = undefined
        if (!this.#again) return
        this.#again = false
        this.#check()
      })
  }

  async #compare(): Promise<void> {
    if ((await this.#held) !== (await this.#holding())) this.#reopen()
    const known = this.#known
    const changes = await this.#settled(known)
    if (changes.length === 0 || this.#over.signal.aborted || known !== this.#known) return
    this.#known = new Map([...known, ...changes.map(({ path, fingerprint }) => [path, fingerprint] as const)])
    this.#options.onChange()
  }

  /** What differs from what is known, once it looks whole or has had its time; nothing when it is all as it was. */
  async #settled(known: Sources): Promise<readonly Change[]> {
    const deadline = performance.now() + SETTLE
    for (;;) {
      const changes = await changesSince(known, this.#parses)
      if (changes.every(({ isWhole }) => isWhole) || performance.now() > deadline) return changes
      await pause(SETTLE_STEP, this.#over.signal)
      if (this.#over.signal.aborted || known !== this.#known) return []
    }
  }
}
