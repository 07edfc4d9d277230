import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TempFolder extends AsyncDisposable {
  readonly path: string
  /** Writes files below the folder, creating folders; returns the path of the last one. */
  write(files: Readonly<Record<string, string>>): Promise<string>
}

/** How the names of this worker's temp folders begin; six random characters follow. */
export const tempPrefix = `mcpctl-${process.pid.toString(36)}-`

/** The temp folders there are now. What lives in one is its owner's to end. */
export const openFolders = new Set<string>()

/** A folder that is gone after the test: `await using folder = await tempFolder()`. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), tempPrefix)))
  openFolders.add(path)
  return {
    path,
    async write(files) {
      let last = path
      for (const [name, text] of Object.entries(files)) {
        last = join(path, name)
        await mkdir(dirname(last), { recursive: true })
        await writeFile(last, text)
      }
      return last
    },
    async [Symbol.asyncDispose]() {
      openFolders.delete(path)
      await rm(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
