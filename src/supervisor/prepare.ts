import { chooseProfile } from '../config/choose.ts'
import { keepSame } from '../config/keep.ts'
import { loadProfileSet, type ProfileSet, restoreProfileSet, type WrittenSet, writtenSet } from '../config/load.ts'
import type { Parses } from '../config/parses.ts'
import { type Resolution, resolveProfile } from '../config/resolve.ts'
import type { Wish } from '../control/protocol.ts'
import { McpctlError } from '../shared/errors.ts'

/** What `mcpctl use` remembered, asked anew each time. */
type Remembered = () => string | undefined

export interface PrepareOptions {
  readonly remembered: Remembered
  /** Of who reads the same files again and again. */
  readonly parses?: Parses
  /** Of which what did not change is kept. */
  readonly before?: Resolution | undefined
}

/** A profile with the texts it was made from. */
export interface Draft extends Resolution {
  readonly written: WrittenSet
}

/** From a wish to a frozen profile: load → choose → resolve. Throws McpctlError `config_invalid` or `usage`. */
export async function prepare(wish: Wish, options: PrepareOptions): Promise<Draft> {
  const set = await loadProfileSet({ cwd: wish.cwd, files: wish.files, env: wish.env }, options.parses)
  return resolve(set, { ...wish, profile: choose(set, wish, options.remembered) }, options)
}

/** The same from the texts of an earlier time; `wish` names the profile. */
export async function restore(written: WrittenSet, wish: ChosenWish, options: PrepareOptions): Promise<Draft> {
  const pointer = { cwd: wish.cwd, files: wish.files, env: wish.env }
  return resolve(await restoreProfileSet(written, pointer, options.parses), wish, options)
}

export interface ChosenWish extends Wish {
  readonly profile: string
}

async function resolve(set: ProfileSet, wish: ChosenWish, { before }: PrepareOptions): Promise<Draft> {
  const { env, envFiles, portOffset, allowEmpty = false } = wish
  const resolution = await resolveProfile(set, wish.profile, { env, envFiles, portOffset, allowEmpty })
  for (const group of wish.groups) assertGroup(resolution, group)
  return { ...resolution, profile: keepSame(resolution.profile, before?.profile), written: writtenSet(set) }
}

/** A profile may be missing only because its file is broken; then the file is what is to be told. */
function choose(set: ProfileSet, wish: Wish, remembered: Remembered): string {
  try {
    return chooseProfile(set, { argument: wish.profile, env: wish.env, remembered: remembered() }).name
  } catch (cause) {
    const problems = set.diagnostics.filter(({ severity }) => severity === 'error')
    if (problems.length === 0) throw cause
    throw new McpctlError('config_invalid', 'the profile set is invalid', { diagnostics: set.diagnostics, cause })
  }
}

function assertGroup({ profile }: Resolution, name: string): void {
  const names = profile.groups.map((group) => group.name)
  if (names.includes(name)) return
  throw new McpctlError('usage', `there is no group "${name}" in profile "${profile.name}"`, {
    hint: `its groups are ${names.join(', ')}`,
  })
}
