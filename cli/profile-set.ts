import { type Choice, chooseProfile } from '../src/config/choose.ts'
import { loadProfileSet, type ProfileSet } from '../src/config/load.ts'
import type { ResolveOptions } from '../src/config/resolve.ts'
import { McpctlError } from '../src/shared/errors.ts'
import type { Context } from './context.ts'
import { remembered } from './remembered.ts'
import { envFilesOf } from './wish.ts'

/** The profile set that the flags, the environment and the working directory point to. */
export function loadSet({ cwd, env, flags }: Context): Promise<ProfileSet> {
  return loadProfileSet({ cwd, env, files: flags.files })
}

/**
 * The profile that would be chosen now. Throws `usage` listing the profiles when no rule fires, and `config_invalid`
 * when files are broken: the profile may be in one of them.
 */
export async function choose(context: Context, set: ProfileSet, argument: string | undefined): Promise<Choice> {
  try {
    return chooseProfile(set, { argument, env: context.env, remembered: await remembered(context, set.folder) })
  } catch (cause) {
    if (set.diagnostics.every(({ severity }) => severity === 'warning')) throw cause
    const { diagnostics } = set
    throw new McpctlError('config_invalid', 'the profile set is invalid', { diagnostics, cause })
  }
}

/** What profiles are resolved with. */
export function resolveOptions(context: Context): ResolveOptions {
  return { env: context.env, envFiles: envFilesOf(context), portOffset: 0 }
}
