import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Where the files are that an `include:` with a pattern means. */
export interface Search {
  /** Absolute: everything that may match is under it. */
  readonly folder: string
  /** Absolute paths of the files that match; what begins with a dot does not, unless the pattern says so. */
  readonly find: () => Promise<string[]>
}

/** Without one of these it is a path. */
const SPECIAL = /[*?[\]{}()!+@\\]/
/** `folder/*.yaml`, the form nearly all of them have. */
const BY_END = /^((?:[\w. -]*\/)*)\*(\.[\w.-]+)$/

/** How to find what `include`, relative to `from`, stands for; undefined when it is the path of one file. */
export async function searchOf(from: string, include: string): Promise<Search | undefined> {
  if (!SPECIAL.test(include)) return undefined
  const [, inside, end] = BY_END.exec(include) ?? []
  if (inside === undefined || end === undefined) return byPattern(from, include)
  const folder = resolve(from, inside)
  return { folder, find: () => endingWith(folder, end) }
}

/** With a library as large as the YAML parser: loaded by the patterns that need it. */
async function byPattern(from: string, pattern: string): Promise<Search | undefined> {
  const { glob, isDynamicPattern } = await import('tinyglobby')
  if (!isDynamicPattern(pattern)) return undefined
  const parts = pattern.split('/')
  const fixed = parts.findIndex((part) => isDynamicPattern(part))
  const options = { cwd: from, absolute: true, expandDirectories: false, dot: false }
  return {
    folder: join(from, ...parts.slice(0, fixed)),
    find: async () => (await glob(pattern, options)).map((path) => resolve(path)),
  }
}

async function endingWith(folder: string, end: string): Promise<string[]> {
  // No such folder: nothing in it.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const paths = entries
    .filter(({ name }) => name.endsWith(end) && !name.startsWith('.'))
    .map(async (entry) => {
      const path = join(folder, entry.name)
      return entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(path))) ? [path] : []
    })
  return (await Promise.all(paths)).flat()
}

async function leadsToFile(path: string): Promise<boolean> {
  // A link to nothing is no file.
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
