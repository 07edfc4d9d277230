import { basename, dirname } from 'node:path'
import chokidar, { type FSWatcher } from 'chokidar'
import { pause } from '../shared/async.ts'
import { changes, type Fingerprint, fingerprint } from './fingerprint.ts'

export interface WatchOptions {
  /** Called once per change of content, after the writes have settled; never concurrently. */
  readonly onChange: () => void
  readonly onError: (error: unknown) => void
}

/** Watches the folders of files and compares content, so that rename-over, recreate and symlink swaps are noticed. */
export interface Watch extends AsyncDisposable {
  /** Watches another set of files from now on; content known before is not reported again. */
  update(files: readonly string[]): void
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
 * Watches files (and folders, for new YAML files in them) until disposed. A deleted file is a change like any other:
 * what it means is up to who reads the files next.
 */
export function watchFiles(files: readonly string[], options: WatchOptions): Watch {
  return new FileWatch(files, options)
}

class FileWatch implements Watch {
  readonly #options: WatchOptions
  readonly #over = new AbortController()
  #files: readonly string[]
  #watcher: FSWatcher
  /** The watchers that were replaced. */
  #closing: Promise<unknown> | undefined
  #known: Promise<Fingerprint>
  /** The check under way, and whether something happened since it began. */
  #checking: Promise<void> | undefined
  #again = false
  #silence: NodeJS.Timeout | undefined
  #aftermath: NodeJS.Timeout | undefined
  readonly #poll: NodeJS.Timeout

  constructor(files: readonly string[], options: WatchOptions) {
    this.#options = options
    this.#files = files
    this.#known = fingerprint(files)
    this.#watcher = this.#open(files)
    this.#poll = setInterval(() => this.#check(), POLL)
  }

  update(files: readonly string[]): void {
    const before = new Set(this.#files)
    const added = files.filter((file) => !before.has(file))
    const gone = new Set(this.#files.filter((file) => !files.includes(file)))
    this.#files = files
    if (added.length === 0 && gone.size === 0) return
    const kept = this.#known
    this.#known = Promise.all([kept, fingerprint(added)]).then(([old, fresh]) => {
      return new Map([...[...old].filter(([file]) => !gone.has(file)), ...fresh])
    })
    this.#closing = Promise.all([this.#closing, this.#watcher.close()]).catch(this.#options.onError)
    this.#watcher = this.#open(files)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    clearTimeout(this.#silence)
    clearTimeout(this.#aftermath)
    clearInterval(this.#poll)
    await Promise.all([this.#watcher.close(), this.#closing, this.#checking])
  }

  #open(files: readonly string[]): FSWatcher {
    const named = new Set(files)
    const folders = new Set([...files, ...files.map((file) => dirname(file))])
    // A project folder holds thousands of files that are none of ours, each of which would cost a watch.
    const ignored = (path: string) => !folders.has(path) && !named.has(path) && !isInteresting(path)
    const watcher = chokidar.watch([...folders], { depth: 0, ignoreInitial: true, ignored })
    watcher.on('all', () => this.#touch())
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
    if (this.#checking !== undefined) {
      this.#again = true
      return
    }
    this.#checking = this.#compare()
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => {
        this.#checking = undefined
        if (!this.#again || this.#over.signal.aborted) return
        this.#again = false
        this.#check()
      })
  }

  async #compare(): Promise<void> {
    const known = await this.#known
    const files = this.#files
    const now = await this.#settled(known, files)
    if (now === undefined || this.#over.signal.aborted || files !== this.#files) return
    this.#known = Promise.resolve(now)
    this.#options.onChange()
  }

  /** The content that differs from what is known, once it looks whole or has had its time; undefined if none does. */
  async #settled(known: Fingerprint, files: readonly string[]): Promise<Fingerprint | undefined> {
    const deadline = performance.now() + SETTLE
    for (;;) {
      const now = await fingerprint(files)
      const changed = changes(known, now)
      if (changed.length === 0) return undefined
      if (changed.every(({ isWhole }) => isWhole) || performance.now() > deadline) return now
      await pause(SETTLE_STEP, this.#over.signal)
      if (this.#over.signal.aborted) return undefined
    }
  }
}

/** New profiles, and the folders that a mounted volume swaps. */
function isInteresting(path: string): boolean {
  const name = basename(path)
  return /\.(?:ya?ml|json)$/.test(name) || name.startsWith('..')
}
