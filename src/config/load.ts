import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Pointer } from './locate.ts'

/** All profiles of a project as written: read, parsed, checked against the schemas, includes followed. */
export interface ProfileSet {
  /** The project folder, absolute. */
  readonly folder: string
  /** `name:`, else the folder's name. */
  readonly project: string
  readonly profiles: readonly ProfileSummary[]
  /** Every problem of the files as written; an `error` among them means nothing can be resolved. */
  readonly diagnostics: readonly Diagnostic[]
}

export interface ProfileSummary {
  readonly name: string
  readonly description: string
  /** Values of $ENV, $NODE_ENV, $APP_ENV that mean this profile, lower case. */
  readonly match: readonly string[]
  readonly default: boolean
  /** After `extends`. */
  readonly groups: readonly string[]
  readonly file: string
  readonly line: number
}

/** Reads the whole profile set. Throws McpctlError `config_invalid` only when there is none to read. */
export async function loadProfileSet(_pointer: Pointer): Promise<ProfileSet> {
  throw new Error('load')
}
