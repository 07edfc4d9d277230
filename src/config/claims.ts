import type { Diagnostic } from '../shared/diagnostic.ts'
import type { WrittenProfile } from './extend.ts'
import { diagnose, originOf, type Place, quote } from './source.ts'
import { child, itemsOf, textOf } from './tree.ts'

/** A value of `match.env`, lower case. */
interface Match {
  readonly value: string
  readonly at: Place
}

export function matchesOf({ tree }: WrittenProfile): Match[] {
  return itemsOf(child(child(tree, 'match'), 'env')).flatMap((item) => {
    const text = textOf(item)
    return text === undefined ? [] : [{ value: text.toLowerCase(), at: item.at }]
  })
}

/** Where the profile says `default: true`. */
export function defaultOf({ tree }: WrittenProfile): Place | undefined {
  const node = child(tree, 'default')
  return node?.kind === 'scalar' && node.value === true ? node.at : undefined
}

/** What two profiles both claim to be would be decided by the order of files: it is a mistake instead. */
export function checkClaims(profiles: readonly WrittenProfile[]): Diagnostic[] {
  return [...profiles.flatMap(badName), ...twoDefaults(profiles), ...sameMatches(profiles)]
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** A name that is the file's: the schema only sees those that are written. */
function badName({ name, at }: WrittenProfile): Diagnostic[] {
  if (NAME.test(name) || at.end > 0) return []
  const message = `the file's name ${quote(name)} is not a name for a profile`
  return [diagnose(at, { code: 'bad_name', message, hint: 'write profile: NAME in it' })]
}

function twoDefaults(profiles: readonly WrittenProfile[]): Diagnostic[] {
  const [first, ...rest] = profiles.flatMap((profile) => {
    const at = defaultOf(profile)
    return at === undefined ? [] : [{ profile, at }]
  })
  if (first === undefined) return []
  return rest.map(({ at }) => {
    const message = `the profile ${quote(first.profile.name)} is the default too (${originOf(first.at)})`
    return diagnose(at, { code: 'two_defaults', message })
  })
}

function sameMatches(profiles: readonly WrittenProfile[]): Diagnostic[] {
  const first = new Map<string, string>()
  return profiles.flatMap((profile) =>
    matchesOf(profile).flatMap(({ value, at }) => {
      const owner = first.get(value) ?? profile.name
      first.set(value, owner)
      if (owner === profile.name) return []
      const message = `the profile ${quote(owner)} matches ${quote(value)} too`
      return [diagnose(at, { code: 'ambiguous_match', message })]
    }),
  )
}
