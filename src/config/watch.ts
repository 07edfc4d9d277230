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

export function watchFiles(_files: readonly string[], _options: WatchOptions): Watch {
  throw new Error('watch')
}
