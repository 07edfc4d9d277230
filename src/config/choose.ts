import { McpctlError } from '../shared/errors.ts'
import type { Env } from '../shared/paths.ts'
import type { ProfileSet, ProfileSummary } from './load.ts'
import { didYouMean } from './suggest.ts'

export interface Choice {
  readonly name: string
  /** Which rule fired, as `mcpctl profiles` shows it. */
  readonly rule: 'argument' | 'MCPCTL_PROFILE' | 'match' | 'use' | 'default' | 'only'
  /** One sentence, e.g. `$ENV is "production"`. */
  readonly detail: string
}

export interface ChooseOptions {
  /** The positional profile or `-p`. */
  readonly argument: string | undefined
  readonly env: Env
  /** What `mcpctl use` remembered. */
  readonly remembered: string | undefined
}

const MATCHED = ['ENV', 'NODE_ENV', 'APP_ENV'] as const

/** Applies the which-profile rules. Throws McpctlError `usage` listing the profiles (with "did you mean"). */
export function chooseProfile(set: ProfileSet, { argument, env, remembered }: ChooseOptions): Choice {
  const { profiles } = set
  if (argument !== undefined)
    return named(profiles, argument, { rule: 'argument', detail: 'named on the command line' })
  const variable = env['MCPCTL_PROFILE']
  if (variable) return named(profiles, variable, { rule: 'MCPCTL_PROFILE', detail: `$MCPCTL_PROFILE is "${variable}"` })
  const choice = matched(profiles, env) ?? rememberedOne(profiles, remembered) ?? standard(profiles)
  if (choice !== undefined) return choice
  const [only] = profiles
  if (only !== undefined && profiles.length === 1)
    return { name: only.name, rule: 'only', detail: 'it is the only profile' }
  throw undecided(profiles)
}

function named(profiles: readonly ProfileSummary[], name: string, why: Omit<Choice, 'name'>): Choice {
  const names = profiles.map((profile) => profile.name)
  if (names.includes(name)) return { name, ...why }
  const origin = why.rule === 'argument' ? '' : ` (${why.detail})`
  throw new McpctlError('usage', `there is no profile "${name}"${origin}`, { hint: didYouMean(name, names) })
}

/** A value that means no profile is no mistake: in POSIX shells `ENV` may hold the path of an rc file. */
function matched(profiles: readonly ProfileSummary[], env: Env): Choice | undefined {
  for (const variable of MATCHED) {
    const value = env[variable]
    const found = value && (byName(profiles, value) ?? byMatch(profiles, value))
    if (found) return { name: found.name, rule: 'match', detail: `$${variable} is "${value}"` }
  }
  return undefined
}

function byName(profiles: readonly ProfileSummary[], value: string): ProfileSummary | undefined {
  return (
    profiles.find(({ name }) => name === value) ??
    profiles.find(({ name }) => name.toLowerCase() === value.toLowerCase())
  )
}

function byMatch(profiles: readonly ProfileSummary[], value: string): ProfileSummary | undefined {
  return profiles.find(({ match }) => match.includes(value.toLowerCase()))
}

/** A remembered profile that is gone is forgotten, not a mistake of the one who types now. */
function rememberedOne(profiles: readonly ProfileSummary[], remembered: string | undefined): Choice | undefined {
  const found = profiles.find(({ name }) => name === remembered)
  return found && { name: found.name, rule: 'use', detail: 'chosen with `mcpctl use`' }
}

function standard(profiles: readonly ProfileSummary[]): Choice | undefined {
  const found = profiles.find((profile) => profile.default)
  return found && { name: found.name, rule: 'default', detail: 'it says `default: true`' }
}

function undecided(profiles: readonly ProfileSummary[]): McpctlError {
  if (profiles.length === 0) return new McpctlError('usage', 'the profile set has no profile')
  const names = profiles.map(({ name }) => name).join(', ')
  return new McpctlError('usage', `which profile? there are ${names}`, {
    hint: 'name one, or remember one with `mcpctl use NAME`',
  })
}
