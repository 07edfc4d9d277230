import type { Choice } from '../../src/config/choose.ts'
import type { ProfileSet } from '../../src/config/load.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { columns } from '../columns.ts'
import type { Run } from '../command.ts'
import type { Context } from '../context.ts'
import { envelope, note, print } from '../output.ts'
import { painter } from '../paint.ts'
import { choose, loadSet } from '../profile-set.ts'
import { oneLine } from '../untrusted.ts'

/** All profiles of the set, with `*` on the one that would be chosen now and why. */
export const run: Run = async (context) => {
  const set = await loadSet(context)
  const choice = await chosenNow(context, set)
  const document = envelope('Profiles', {
    project: set.project,
    chosen: choice ?? null,
    profiles: set.profiles.map((profile) => ({ ...profile, chosen: profile.name === choice?.name })),
  })
  await print(context, { document, human: () => table(context, set, choice) })
  note(context, choice ? oneLine(`* ${choice.name}: ${choice.detail}`) : 'no profile would be chosen: name one')
  const errors = set.diagnostics.filter(({ severity }) => severity === 'error').length
  if (errors > 0) note(context, `${errors} problem${errors === 1 ? '' : 's'} in the files: mcpctl validate shows them`)
  return 0
}

async function chosenNow(context: Context, set: ProfileSet): Promise<Choice | undefined> {
  try {
    return await choose(context, set, context.flags.profile)
  } catch (error) {
    // That no rule fires is an answer here, not a failure.
    if (error instanceof McpctlError && error.code === 'usage') return undefined
    throw error
  }
}

function table(context: Context, { profiles }: ProfileSet, choice: Choice | undefined): string {
  const head = ['', 'NAME', 'DESCRIPTION', 'MATCHES', 'GROUPS'].map((cell) =>
    painter(context, context.stdout)('dim', cell),
  )
  const rows = profiles.map(({ name, description, match, groups }) => [
    name === choice?.name ? '*' : ' ',
    ...[name, description, match.join(', '), groups.join(', ')].map(oneLine),
  ])
  return columns([head, ...rows])
}
