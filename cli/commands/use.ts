import { chmod, rm, writeFile } from 'node:fs/promises'
import { didYouMean } from '../../src/config/suggest.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { prepareStateFolder } from '../../src/supervisor/state-folder.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { envelope, note, print } from '../output.ts'
import { loadSet } from '../profile-set.ts'
import { findProject } from '../project.ts'
import { remembered } from '../remembered.ts'

/** Remembers a profile for this project, forgets it, or says which one is remembered. */
export const run: Run = async (context, { args: [name], options }) => {
  const { folder, paths } = await findProject(context)
  if (options.unset) await rm(paths.use, { force: true })
  else if (name !== undefined) {
    await mustExist(context, name)
    prepareStateFolder(paths)
    await writeFile(paths.use, `${name}\n`, { mode: 0o600 })
    await chmod(paths.use, 0o600)
  }
  const profile = await remembered(context, folder)
  const human = () => (profile === undefined ? '' : `${profile}\n`)
  await print(context, { document: envelope('Use', { profile: profile ?? null }), human })
  if (profile === undefined) note(context, 'no profile is remembered')
  return 0
}

/** A misspelt name is caught here; with unreadable files nobody knows the names, and the word is taken. */
async function mustExist(context: Context, name: string): Promise<void> {
  const names = await profileNames(context)
  if (names === undefined || names.includes(name)) return
  throw new McpctlError('usage', `unknown profile "${name}"`, { hint: didYouMean(name, names) })
}

async function profileNames(context: Context): Promise<readonly string[] | undefined> {
  try {
    const { profiles, diagnostics } = await loadSet(context)
    const isComplete = diagnostics.every(({ severity }) => severity !== 'error')
    return isComplete ? profiles.map((profile) => profile.name) : undefined
  } catch (error) {
    if (error instanceof McpctlError && error.code === 'config_invalid') return undefined
    throw error
  }
}
