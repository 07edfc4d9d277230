import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing, all of them the user's own (0700); one that is there stays as it
 * is. Throws what the file system says. Node's own `recursive` never returns where a folder takes no new ones and says
 * that what is above them does not exist (`/proc`).
 */
export function makeFolder(path: string): void {
  if (attempt(path) === undefined) return
  makeFolder(dirname(path))
  const error = attempt(path)
  if (error !== undefined) throw error
}

/** That the folder above is missing, if it is. */
function attempt(path: string): Error | undefined {
  try {
    mkdirSync(path, { mode: 0o700 })
    return undefined
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) return error
    if (!isFolder(path)) throw error
    return undefined
  }
}

function isMissing(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Also when it came into being a moment ago. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
