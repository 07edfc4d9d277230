import type { Run } from '../command.ts'
import { describeDifferences, describeProfile } from '../config-text.ts'
import type { Context } from '../context.ts'
import { differences } from '../difference.ts'
import { maskedProfile } from '../masked.ts'
import { envelope, print, warn } from '../output.ts'
import { painter } from '../paint.ts'
import { choose, loadSet, resolveNamed } from '../profile-set.ts'

/** The profile as resolved, secrets masked; with `--origin` where each value came from, or how another differs. */
export const run: Run = async (context, { args: [argument], options }) => {
  const { profile, origins } = await resolved(context, argument)
  if (options.diff !== undefined) {
    const other = await resolved(context, options.diff)
    const found = differences(profile, other.profile)
    const paint = painter(context, context.stdout)
    await print(context, {
      document: envelope('Diff', { differences: found }),
      human: () => describeDifferences(found, paint),
    })
    return 0
  }
  if (context.flags.output === 'json' || context.flags.output === 'ndjson') {
    const document = options.origin ? { ...profile, origins: Object.fromEntries(origins) } : profile
    await print(context, { document, human: () => '' })
    return 0
  }
  context.stdout.write(await describeProfile(profile, options.origin ? origins : new Map()))
  return 0
}

async function resolved(context: Context, argument: string | undefined) {
  const set = await loadSet(context)
  const { name } = await choose(context, set, argument ?? context.flags.profile)
  const { profile, origins, warnings } = await resolveNamed(context, set, name)
  warn(context, warnings)
  return { profile: maskedProfile(profile), origins }
}
