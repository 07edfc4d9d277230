import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export interface TouchesOptions {
  /** Files and folders; also a folder's being deleted or made anew is noticed. */
  readonly paths: Iterable<string>
  /** Something happened to one of them, or to a file of a name that could be one more. */
  readonly onTouch: () => void
  readonly onError: (error: unknown) => void
}

/**
 * Says when something may have happened to files or folders. It asks the system alone and looks at nothing: a folder
 * beside ours may hold thousands of files, and be written to all the time.
 */
export class Touches implements Disposable {
  readonly #options: TouchesOptions
  readonly #named: ReadonlySet<string>
  readonly #watchers: readonly FSWatcher[]

  constructor(options: TouchesOptions) {
    this.#options = options
    this.#named = new Set(options.paths)
    const folders = [...this.#named].map((path) => dirname(path))
    this.#watchers = [...new Set([...this.#named, ...folders])].flatMap((path) => this.#watch(path))
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close()
  }

  #watch(path: string): FSWatcher[] {
    const { onTouch, onError } = this.#options
    try {
      const watcher = watch(path, (_event, name) => {
        if (this.#concerns(path, name)) onTouch()
      })
      return [watcher.on('error', onError)]
    } catch (error) {
      // The folder it will be in is watched, too.
      if (!isMissing(error)) onError(error)
      return []
    }
  }

  /** A file is told of by its own name, as is a folder that goes. */
  #concerns(path: string, name: string | null): boolean {
    if (name === null || name === basename(path)) return true
    return this.#named.has(join(path, name)) || isInteresting(name)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** New profiles, and the folders that a mounted volume swaps. */
function isInteresting(name: string): boolean {
  return /\.(?:ya?ml|json)$/.test(name) || name.startsWith('..')
}
