import { resolve } from 'node:path'
import type { Wish } from '../src/control/protocol.ts'
import type { Invocation } from './command.ts'
import { type Context, isCi } from './context.ts'

/** The first positional is the profile, unless `-p` named it: then all are groups. */
function selection({ args }: Invocation, named: string | undefined) {
  if (named !== undefined) return { profile: named, groups: args }
  const [profile, ...groups] = args
  return { profile, groups }
}

/** What the person who typed this wants to run, with the environment they typed it in. */
export function wishOf(context: Context, invocation: Invocation): Wish {
  const { cwd, env, flags } = context
  const { watch = true, portOffset = 0 } = invocation.options
  return {
    cwd,
    files: flags.files,
    envFiles: envFilesOf(context),
    env,
    ...selection(invocation, flags.profile),
    portOffset,
    watch: watch && !isCi(env),
  }
}

/** `--env-file`, absolute: whoever reads them has another working directory. */
export function envFilesOf({ cwd, flags }: Context): string[] {
  return flags.envFiles.map((file) => resolve(cwd, file))
}
