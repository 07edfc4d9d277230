import { readFile } from 'node:fs/promises'
import { statePaths } from '../src/shared/paths.ts'
import type { Context } from './context.ts'

/** The profile that `mcpctl use` wrote down; undefined when there is none. */
export async function remembered({ env }: Context, folder: string): Promise<string | undefined> {
  try {
    return (await readFile(statePaths(folder, env).use, 'utf8')).trim() || undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
