import { basename, dirname } from 'node:path'
import chokidar, { type FSWatcher } from 'chokidar'
import { pause } from '../shared/async.ts'
import { type Change, changesSince, identities } from './fingerprint.ts'
import { Parses } from './parses.ts'
import type { Sources } from './read.ts'

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
/** The watcher drops a second event of a file within 50 ms: one more look, after that is over. */
const AFTERMATH = 100
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
  #watcher: FSWatcher
  /** Which folders the watcher holds on to: a name may lead to another one by now. */
  #held: Promise<string>
  /** The watchers that were replaced. */
  #closing: Promise<unknown> | undefined
  /** The check under way, and whether something happened since it began. */
  #checking: Promise<void> | undefined
  #again = false
  #silence: NodeJS.Timeout | undefined
  #aftermath: NodeJS.Timeout | undefined
  readonly #poll: NodeJS.Timeout

  constructor(sources: Sources, options: WatchOptions) {
    this.#options = options
    this.#parses = options.parses ?? new Parses()
    this.#known = sources
    this.#held = this.#holding()
    this.#watcher = this.#open()
    this.#poll = setInterval(() => this.#check(), POLL)
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
    clearTimeout(this.#aftermath)
    clearInterval(this.#poll)
    await Promise.all([this.#watcher.close(), this.#closing, this.#checking])
  }

  #reopen(): void {
    this.#held = this.#holding()
    this.#closing = Promise.all([this.#closing, this.#watcher.close()]).catch(this.#options.onError)
    this.#watcher = this.#open()
  }

  #holding(): Promise<string> {
    return identities([...this.#folders()])
  }

  #folders(): ReadonlySet<string> {
    const files = [...this.#known.keys()]
    return new Set([...files, ...files.map((file) => dirname(file))])
  }

  #open(): FSWatcher {
    const named = new Set(this.#known.keys())
    const folders = this.#folders()
    // A project folder holds thousands of files that are none of ours, each of which would cost a watch.
    const ignored = (path: string) => !folders.has(path) && !named.has(path) && !isInteresting(path)
    const watcher = chokidar.watch([...folders], { depth: 0, ignoreInitial: true, ignored })
    watcher.on('all', () => this.#touch())
    // What was saved before it was awake.
    watcher.on('ready', () => this.#check())
    watcher.on('error', this.#options.onError)
    return watcher
  }

  #touch(): void {
    if (this.#over.signal.aborted) return
    clearTimeout(this.#silence)
    clearTimeout(this.#aftermath)
    this.#silence = setTimeout(() => this.#check(), SILENCE)
    this.#aftermath = setTimeout(() => this.#check(), AFTERMATH)
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
    this.#known = new Map([...known, ...changes.map(({ path, hash }) => [path, hash] as const)])
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

/** New profiles, and the folders that a mounted volume swaps. */
function isInteresting(path: string): boolean {
  const name = basename(path)
  return /\.(?:ya?ml|json)$/.test(name) || name.startsWith('..')
}
