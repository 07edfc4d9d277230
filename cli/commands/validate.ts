import { validateProfile, validateSet } from '../../src/config/validate.ts'
import type { Run } from '../command.ts'
import { choose, loadSet, resolveOptions } from '../profile-set.ts'
import { reportValidation } from '../validation.ts'

/** Checks one profile, or without a name every profile of the set; warnings fail only when that is asked for. */
export const run: Run = async (context, { args: [argument], options: { format, strict = false } }) => {
  const set = await loadSet(context)
  const options = { ...resolveOptions(context), strict }
  const named = argument ?? context.flags.profile
  if (named === undefined) {
    const profiles = set.profiles.map((profile) => profile.name)
    await reportValidation(context, { profiles, problems: await validateSet(set, options), format })
    return 0
  }
  const { name } = await choose(context, set, named)
  const problems = await validateProfile(set, name, options)
  await reportValidation(context, { profiles: [name], problems, format })
  return 0
}
