import type { Env } from '../shared/paths.ts'
import type { ProfileSet } from './load.ts'

export interface Choice {
  readonly name: string
  /** Which rule fired, as `mcpctl profiles` shows it. */
  readonly rule: 'argument' | 'MCPCTL_PROFILE' | 'match' | 'use' | 'default' | 'only'
  /** One sentence, e.g. `$ENV is "production"`. */
  readonly detail: string
}

export interface ChooseOptions {
  /** The positional profile or `-p`. */
  readonly argument: string | undefined
  readonly env: Env
  /** What `mcpctl use` remembered. */
  readonly remembered: string | undefined
}

/** Applies the which-profile rules. Throws McpctlError `usage` listing the profiles (with "did you mean"). */
export function chooseProfile(_set: ProfileSet, _options: ChooseOptions): Choice {
  throw new Error('choose')
}
