import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TempFolder extends AsyncDisposable {
  readonly path: string
  /** Writes files below the folder, creating folders; returns the path of the last one. */
  write(files: Readonly<Record<string, string>>): Promise<string>
}

/** A folder that is gone after the test: `await using folder = await tempFolder()`. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'mcpctl-test-')))
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
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  }
}
