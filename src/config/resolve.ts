import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Env } from '../shared/paths.ts'
import type { ProfileSet } from './load.ts'
import type { Profile } from './profile.ts'

export interface ResolveOptions {
  readonly env: Env
  /** `--env-file`, in order, relative to `cwd` of the caller and already absolute here. */
  readonly envFiles: readonly string[]
  /** Added to every fixed port. */
  readonly portOffset: number
}

export interface Resolution {
  readonly profile: Profile
  readonly warnings: readonly Diagnostic[]
  /** Every file the result depends on, absolute, also those that do not exist yet (optional env files). */
  readonly sources: readonly string[]
  /** Where each value came from: JSON pointer into the resolved profile → `file:line`. */
  readonly origins: ReadonlyMap<string, string>
}

/**
 * Extends → select → interpolate → cast → check → defaults → frozen profile. Throws McpctlError `config_invalid`
 * with every problem in `diagnostics`, those of the set as written included.
 */
export async function resolveProfile(_set: ProfileSet, _name: string, _options: ResolveOptions): Promise<Resolution> {
  throw new Error('resolve')
}
