import type { Diagnostic } from '../shared/diagnostic.ts'
import { mergeAll } from './merge.ts'
import { diagnose, type Place, quote } from './source.ts'
import { didYouMean } from './suggest.ts'
import { child, emptyMap, itemsOf, type MapNode, textOf, without } from './tree.ts'

const MAX_DEPTH = 8

/** What describes one profile, so that prod does not also claim dev's `$ENV` values. */
const OWN_KEYS = ['profile', 'description', 'match', 'default', 'extends', 'version', 'name', 'include']

/** A profile as written, not yet extended. */
export interface WrittenProfile {
  readonly name: string
  /** Of its name. */
  readonly at: Place
  readonly tree: MapNode
}

export interface Extended {
  /** Own keys over those of the profiles it extends, left to right. */
  readonly tree: MapNode
  readonly diagnostics: readonly Diagnostic[]
}

/** The profile with all it inherits; cycles, unknown names and too deep chains are reported and left out. */
export function extend(profile: WrittenProfile, all: ReadonlyMap<string, WrittenProfile>): Extended {
  const diagnostics: Diagnostic[] = []
  const tree = inherit({ all, diagnostics }, profile, [profile.name])
  return { tree, diagnostics }
}

interface Inheritance {
  readonly all: ReadonlyMap<string, WrittenProfile>
  readonly diagnostics: Diagnostic[]
}

function inherit(context: Inheritance, profile: WrittenProfile, chain: readonly string[]): MapNode {
  const parents = itemsOf(child(profile.tree, 'extends')).map((item) => {
    const name = textOf(item) ?? ''
    const parent = parentOf(context, { name, at: item.at, chain })
    return parent && without(inherit(context, parent, [...chain, name]), OWN_KEYS)
  })
  return mergeAll(emptyMap(profile.tree.at), ...parents, profile.tree)
}

interface Step {
  readonly name: string
  readonly at: Place
  readonly chain: readonly string[]
}

function parentOf({ all, diagnostics }: Inheritance, { name, at, chain }: Step): WrittenProfile | undefined {
  const parent = all.get(name)
  if (parent === undefined) {
    const message = `profile ${quote(chain.at(-1) ?? '')} extends ${quote(name)}, which does not exist`
    diagnostics.push(diagnose(at, { code: 'unknown_profile', message, hint: didYouMean(name, all.keys()) }))
    return undefined
  }
  if (chain.includes(name)) {
    const message = `profiles extend each other: ${[...chain.slice(chain.indexOf(name)), name].join(' → ')}`
    diagnostics.push(diagnose(at, { code: 'extends_cycle', message }))
    return undefined
  }
  if (chain.length > MAX_DEPTH) {
    diagnostics.push(
      diagnose(at, { code: 'extends_depth', message: `extends nests deeper than ${MAX_DEPTH} profiles` }),
    )
    return undefined
  }
  return parent
}
