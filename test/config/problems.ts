import { loadProfileSet } from '../../src/config/load.ts'
import { attempt } from '../../src/config/resolve.ts'
import { type Diagnostic, place } from '../../src/shared/diagnostic.ts'
import type { Env } from '../../src/shared/paths.ts'

/** Every problem of the set in `file` and of its first profile, one line each; warnings say so. */
export async function problemsIn(cwd: string, file: string, env: Env = {}): Promise<string[]> {
  return (await diagnosticsIn(cwd, file, env)).map(oneLine)
}

export async function diagnosticsIn(cwd: string, file: string, env: Env = {}): Promise<readonly Diagnostic[]> {
  const set = await loadProfileSet({ cwd, files: [file], env })
  const [first] = set.profiles
  if (first === undefined) return set.diagnostics
  return (await attempt(set, first.name, { env, envFiles: [], portOffset: 0, masked: false })).diagnostics
}

export function oneLine(diagnostic: Diagnostic): string {
  const warning = diagnostic.severity === 'warning' ? 'warning ' : ''
  const hint = diagnostic.hint === '' ? '' : ` (${diagnostic.hint})`
  return `${place(diagnostic)} ${warning}${diagnostic.code}: ${diagnostic.message}${hint}`
}
