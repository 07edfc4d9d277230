import type { Diagnostic } from '../shared/diagnostic.ts'
import { type ProfileSet, unique } from './load.ts'
import { attempt, type ResolveOptions } from './resolve.ts'

export interface ValidateOptions extends ResolveOptions {
  /** Warnings are errors. */
  readonly strict: boolean
}

/** What `validate` of one profile finds: everything that would keep it from starting here and now. */
export async function validateProfile(
  set: ProfileSet,
  name: string,
  options: ValidateOptions,
): Promise<readonly Diagnostic[]> {
  const { diagnostics } = await attempt(set, name, { ...options, masked: false })
  return options.strict ? diagnostics.map(strictly) : diagnostics
}

/** What is not set, or not there, on this machine and at this hour: it says nothing about the files. */
const MISSING: readonly string[] = ['unset_variable', 'unset_secret', 'env_file', 'secret_file', 'secret_command']

/** With who may change the files: that is a matter of the machine too, and as a warning it was allowed. */
const LOCAL: readonly string[] = [...MISSING, 'insecure_file']

/**
 * What `validate` of the whole set finds: every file as written and every profile as far as it resolves. What is only
 * not so here (prod's variables on a laptop) is a warning; no secret is read. A profile that others extend may be
 * without groups.
 */
export async function validateSet(set: ProfileSet, options: ValidateOptions): Promise<readonly Diagnostic[]> {
  const attempts = await Promise.all(set.profiles.map(({ name }) => attempt(set, name, { ...options, masked: true })))
  const found = attempts.flatMap(({ diagnostics }) => diagnostics).filter(({ code }) => code !== 'no_groups')
  const softened = found.map((one) => softly(one, options.strict ? MISSING : LOCAL))
  return unique([...set.diagnostics, ...(options.strict ? softened.map(strictly) : softened)])
}

function softly(one: Diagnostic, codes: readonly string[]): Diagnostic {
  return codes.includes(one.code) ? { ...one, severity: 'warning' } : one
}

/** Said each time, and meant so. */
const MEANT: readonly string[] = ['network_bind']

function strictly(one: Diagnostic): Diagnostic {
  return LOCAL.includes(one.code) || MEANT.includes(one.code) ? one : { ...one, severity: 'error' }
}
