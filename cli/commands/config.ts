import { differences } from '../../src/config/difference.ts'
import type { Profile, Server } from '../../src/config/profile.ts'
import { type Resolution, resolveMasked } from '../../src/config/resolve.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { describeDifferences } from '../differences-text.ts'
import { envelope, print, warn } from '../output.ts'
import { painter } from '../paint.ts'
import { choose, loadSet, resolveOptions } from '../profile-set.ts'
import { shown } from '../untrusted.ts'
import { yamlWithOrigins } from '../yaml-text.ts'

/** The profile as resolved, secrets masked; with `--origin` where each value came from, or how another differs. */
export const run: Run = async (context, { args: [argument], options }) => {
  const { profile, origins } = await resolved(context, argument ?? context.flags.profile)
  if (options.diff !== undefined) {
    await printDifferences(context, profile, (await resolved(context, options.diff)).profile)
    return 0
  }
  const { secrets: _none, ...masked } = withoutPins(profile)
  const places = options.origin ? origins : new Map<string, string>()
  const yaml = () => shown(yamlWithOrigins(masked, places), context.stdout)
  // As YAML the origins are comments beside the values; every other form has them as a member of their own.
  if (context.flags.output === 'yaml') context.stdout.write(yaml())
  else await print(context, { document: withOrigins(masked, places), human: yaml })
  return 0
}

async function resolved(context: Context, argument: string | undefined): Promise<Resolution> {
  const set = await loadSet(context)
  const { name } = await choose(context, set, argument)
  const resolution = await resolveMasked(set, name, resolveOptions(context))
  warn(context, resolution.warnings)
  return resolution
}

async function printDifferences(context: Context, from: Profile, to: Profile): Promise<void> {
  const found = differences(withoutPins(from), withoutPins(to))
  const human = () => describeDifferences(found, painter(context, context.stdout))
  await print(context, { document: envelope('Diff', { differences: found }), human })
}

/** They have a file of their own, and would be longer than all the rest. */
function withoutPins(profile: Profile) {
  const withoutOwn = ({ pins: _pins, ...server }: Server) => server
  return { ...profile, groups: profile.groups.map((group) => ({ ...group, servers: group.servers.map(withoutOwn) })) }
}

function withOrigins(profile: object, origins: ReadonlyMap<string, string>): object {
  return origins.size > 0 ? { ...profile, origins: Object.fromEntries(origins) } : profile
}
