import { isAbsolute, join } from 'node:path'
import { makeFolder } from './folder.ts'
import type { Env } from './paths.ts'

/**
 * Node 22 and later keep compiled code in a folder, which saves a start what compiling would take. Neither needed nor
 * waited for: where the folder cannot be read or written, or Node is older, code is compiled as ever. The folder is
 * the user's own: what is in it is run.
 */
export function codeCache({ XDG_CACHE_HOME, HOME, NODE_DISABLE_COMPILE_CACHE }: Env): string | undefined {
  const base = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'))
  if (!base || !isAbsolute(base) || NODE_DISABLE_COMPILE_CACHE) return undefined
  const folder = join(base, 'mcpctl', 'code')
  try {
    makeFolder(folder)
    return folder
  } catch {
    // No home, or one that is not ours to write.
    return undefined
  }
}

/** What a process that we start needs in its environment for the same. */
export function codeCacheEnv(env: Env): Readonly<Record<string, string>> {
  const folder = env.NODE_COMPILE_CACHE ?? codeCache(env)
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder }
}
