import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Wish } from '../src/control/protocol.ts'
import type { Env } from '../src/shared/paths.ts'
import type { Invocation } from './command.ts'
import type { Context } from './context.ts'

/** The first positional is the profile, unless `-p` named it: then all are groups. */
function selection({ args }: Invocation, named: string | undefined) {
  if (named !== undefined) return { profile: named, groups: args }
  const [profile, ...groups] = args
  return { profile, groups }
}

/** What the person who typed this wants to run, with the environment they typed it in. */
export function wishOf(context: Context, invocation: Invocation): Wish {
  const { cwd, env, flags } = context
  const { watch = true, portOffset = 0, resume = false, allowEmpty = false } = invocation.options
  const envFiles = envFilesOf(context)
  return {
    cwd,
    files: flags.files,
    envFiles,
    env: withoutValuesOf(envFiles, env),
    ...selection(invocation, flags.profile),
    portOffset,
    watch,
    resume,
    allowEmpty,
  }
}

/** `--env-file`, absolute: whoever reads them has another working directory. */
export function envFilesOf({ cwd, flags }: Context): string[] {
  return flags.envFiles.map((file) => resolve(cwd, file))
}

/**
 * Node takes `--env-file` for a flag of its own, wherever it stands, and puts into the environment what is not there
 * yet. Left there it would win over every later edit of the file.
 */
function withoutValuesOf(files: readonly string[], env: Env): Env {
  if (files.length === 0) return env
  const added = new Set(
    files.flatMap((file) => Object.entries(valuesOf(file))).map(([name, value]) => `${name}=${value}`),
  )
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => !added.has(`${name}=${value}`)))
}

function valuesOf(file: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch {
    // Whoever reads it for the profile says why it cannot be read.
    return {}
  }
}
