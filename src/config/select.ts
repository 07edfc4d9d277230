import type { Diagnostic } from '../shared/diagnostic.ts'
import { secretsIn } from './interpolate.ts'
import { mergeAll, prune } from './merge.ts'
import { diagnose, type Place, quote } from './source.ts'
import { didYouMean } from './suggest.ts'
import {
  child,
  emptyMap,
  entriesOf,
  itemsOf,
  type MapNode,
  type Node,
  only,
  type ScalarNode,
  textOf,
  without,
} from './tree.ts'

/** What a profile uses, layers merged and deletions done, nothing interpolated yet. */
export interface Selection {
  readonly groups: readonly SelectedGroup[]
  /** `secrets:` of the profile. */
  readonly secrets: MapNode
  readonly envFile: Node | undefined
}

export interface SelectedGroup {
  readonly name: string
  readonly at: Place
  /** `defaults` ← the group. */
  readonly node: MapNode
  readonly servers: readonly SelectedServer[]
}

export interface SelectedServer {
  readonly name: string
  /** Of its entry in the group's list. */
  readonly at: Place
  /** `defaults` ← group ← `servers.NAME` ← the entry in the list. */
  readonly node: MapNode
}

/** Of one profile: nobody reads more, and a hostile file could have a hundred thousand. */
const MAX_DIAGNOSTICS = 200

/** What of a server may also stand under `defaults` or a group. */
const SHARED_KEYS = [
  'transport',
  'enabled',
  'required',
  'prefix',
  'tools',
  'resources',
  'prompts',
  'timeouts',
  'protocol',
  'session',
  'restart',
  'retry',
  'cache',
  'resolve',
  'stateful',
  'exclusive',
  'integrity',
  'onNew',
  'forwardHeaders',
]

const GROUP_KEYS = ['host', 'auth', 'allowedHosts', 'allowedOrigins', 'limits', 'cache']

/** The groups of a profile and the servers they use; servers that do not exist are reported and left out. */
export function select(tree: MapNode): { readonly selection: Selection; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = []
  const secrets = prune(only(child(tree, 'secrets'), [...names(tree, 'secrets')], tree.at))
  const groups = entriesOf(child(tree, 'groups')).flatMap(([name, { key, value }]) => {
    if (value.kind !== 'map') return []
    return [groupOf({ tree, diagnostics }, { name, at: key, value })]
  })
  const selection = { groups, secrets, envFile: child(prune(tree), 'envFile') }
  return { selection, diagnostics: [...diagnostics, ...unknownSecrets(selection)] }
}

function names(tree: MapNode, key: string): Set<string> {
  return new Set(entriesOf(child(tree, key)).map(([name]) => name))
}

interface Selecting {
  readonly tree: MapNode
  readonly diagnostics: Diagnostic[]
}

interface WrittenGroup {
  readonly name: string
  readonly at: Place
  readonly value: MapNode
}

function groupOf(context: Selecting, { name, at, value }: WrittenGroup): SelectedGroup {
  const defaults = child(context.tree, 'defaults')
  const node = prune(mergeAll(only(defaults, GROUP_KEYS, at), value))
  const shared = mergeAll(only(defaults, SHARED_KEYS, at), only(value, SHARED_KEYS, at))
  const seen = new Set<string>()
  const servers = itemsOf(child(value, 'servers')).flatMap((entry) => {
    const server = serverOf(context, { shared, groupName: name, entry })
    if (server === undefined) return []
    if (seen.has(server.name)) context.diagnostics.push(duplicate(server, name))
    seen.add(server.name)
    return [server]
  })
  return { name, at, node, servers }
}

function duplicate(server: SelectedServer, group: string): Diagnostic {
  const message = `the server ${quote(server.name)} stands twice in group ${quote(group)}`
  return diagnose(server.at, { code: 'duplicate_server', message })
}

interface ServerEntry {
  /** What it shares with the others of its group: `defaults` ← group. */
  readonly shared: MapNode
  readonly groupName: string
  readonly entry: Node
}

function serverOf(
  { tree, diagnostics }: Selecting,
  { shared, groupName, entry }: ServerEntry,
): SelectedServer | undefined {
  const ref = entry.kind === 'map' ? child(entry, 'ref') : entry
  const name = textOf(ref)
  if (ref === undefined || name === undefined) return undefined // The schema check has said so.
  const server = child(child(tree, 'servers'), name)
  if (server?.kind !== 'map') {
    const known = entriesOf(child(tree, 'servers')).filter(([, { value }]) => value.kind === 'map')
    const message = `group ${quote(groupName)}: the server ${quote(name)} does not exist`
    const hint = didYouMean(
      name,
      known.map(([key]) => key),
    )
    if (diagnostics.length < MAX_DIAGNOSTICS)
      diagnostics.push(diagnose(ref.at, { code: 'unknown_server', message, hint }))
    return undefined
  }
  const own = entry.kind === 'map' ? without(entry, ['ref']) : undefined
  return { name, at: ref.at, node: prune(mergeAll(emptyMap(ref.at), shared, server, own)) }
}

/** Names in `${secret:NAME}` that no `secrets:` explains. */
function unknownSecrets({ groups, secrets }: Selection): Diagnostic[] {
  const nodes = groups.flatMap(({ node, servers }) => [
    without(node, ['servers']),
    ...servers.map((server) => server.node),
  ])
  return nodes.flatMap(scalarsOf).flatMap((node) =>
    secretsIn(node.text)
      .filter((name) => !secrets.entries.has(name))
      .map((name) => {
        const hint = didYouMean(name, secrets.entries.keys()) || `add it under secrets: { ${name}: { env: NAME } }`
        return diagnose(node.at, { code: 'unknown_secret', message: `the secret ${quote(name)} does not exist`, hint })
      }),
  )
}

/** Every scalar of a tree. */
export function scalarsOf(node: Node): readonly ScalarNode[] {
  const found: ScalarNode[] = []
  collect(node, found)
  return found
}

function collect(node: Node, found: ScalarNode[]): void {
  if (node.kind === 'scalar') found.push(node)
  else if (node.kind === 'list') for (const item of node.items) collect(item, found)
  else for (const { value } of node.entries.values()) collect(value, found)
}
