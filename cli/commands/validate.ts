import type { ProfileSet } from '../../src/config/load.ts'
import type { Diagnostic } from '../../src/shared/diagnostic.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { choose, loadSet, resolveNamed } from '../profile-set.ts'
import { reportValidation } from '../validation.ts'

/** Checks one profile, or without a name every profile of the set; warnings do not fail. */
export const run: Run = async (context, { args: [argument], options }) => {
  const set = await loadSet(context)
  const named = argument ?? context.flags.profile
  const profiles = named === undefined ? namesOf(set) : [(await choose(context, set, named)).name]
  const found = await Promise.all(profiles.map((name) => problemsOf(context, set, name)))
  const problems = distinct([...set.diagnostics, ...found.flat()])
  await reportValidation(context, { profiles, problems, format: options.format })
  return 0
}

function namesOf(set: ProfileSet): string[] {
  return set.profiles.map((profile) => profile.name)
}

/** What resolving the profile brings to light, warnings included. */
async function problemsOf(context: Context, set: ProfileSet, name: string): Promise<readonly Diagnostic[]> {
  try {
    return (await resolveNamed(context, set, name)).warnings
  } catch (error) {
    if (error instanceof McpctlError && error.diagnostics.length > 0) return error.diagnostics
    throw error
  }
}

/** Profiles share files, and so their problems. */
function distinct(problems: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]
}
