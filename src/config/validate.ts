import type { Diagnostic } from '../shared/diagnostic.ts'
import { type ProfileSet, unique } from './load.ts'
import { attempt, type ResolveOptions } from './resolve.ts'

/** What `validate` of one profile finds: everything that would keep it from starting here and now. */
export async function validateProfile(
  set: ProfileSet,
  name: string,
  options: ResolveOptions,
): Promise<readonly Diagnostic[]> {
  return (await attempt(set, name, { ...options, masked: false })).diagnostics
}

/** What depends on the machine and the hour, not on the files. */
const ENVIRONMENTAL = new Set(['unset_variable', 'unset_secret', 'env_file', 'secret_file', 'secret_command'])

/**
 * What `validate` of the whole set finds: every file as written and every profile as far as it resolves. What is only
 * not set here (prod's variables on a laptop) is a warning; no secret is read. A profile that others extend may be
 * without groups.
 */
export async function validateSet(set: ProfileSet, options: ResolveOptions): Promise<readonly Diagnostic[]> {
  const attempts = await Promise.all(set.profiles.map(({ name }) => attempt(set, name, { ...options, masked: true })))
  const found = attempts.flatMap(({ diagnostics }) => diagnostics).filter(({ code }) => code !== 'no_groups')
  const softened = found.map((one) => (ENVIRONMENTAL.has(one.code) ? ({ ...one, severity: 'warning' } as const) : one))
  return unique([...set.diagnostics, ...softened])
}
