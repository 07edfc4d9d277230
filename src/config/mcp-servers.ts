import { basename } from 'node:path'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { diagnose, type Place, quote } from './source.ts'
import { child, type Entry, entriesOf, type MapNode, type Node } from './tree.ts'

/** The port of the one group: the first of those that mcpctl gives out. */
const PORT = 7611

/** Words of other clients for the transports we know; `stdio` is told by `command`. */
const TRANSPORTS: Readonly<Record<string, string>> = {
  http: 'http',
  'streamable-http': 'http',
  streamable_http: 'http',
  streamablehttp: 'http',
  sse: 'sse',
}

/**
 * A file `{"mcpServers": …}` of another client as a profile of ours: named after the file, with one group `default` on
 * port 7611. What only the other client understands is left out.
 */
export function fromMcpServers(root: MapNode): { readonly root: MapNode; readonly diagnostics: readonly Diagnostic[] } {
  const servers = child(root, 'mcpServers')
  const diagnostics: Diagnostic[] = []
  if (servers?.kind !== 'map') {
    const at = servers?.at ?? root.at
    return {
      root: map(root.at, {}),
      diagnostics: [diagnose(at, { code: 'bad_value', message: '"mcpServers" is not a map of servers' })],
    }
  }
  const converted = new Map<string, Entry>()
  for (const [name, { key, value }] of servers.entries) {
    converted.set(nameOf(name, key, diagnostics), { key, value: serverOf(value) })
  }
  const at = servers.at
  const list: Node = { kind: 'list', items: [...converted].map(([name, { key }]) => scalar(key, name)), at }
  const group = map(at, { port: scalar(at, PORT), servers: list })
  const profile = map(at, {
    profile: scalar(root.at, profileName(root.at.source.path)),
    servers: { kind: 'map', entries: converted, at },
    groups: map(at, { default: group }),
  })
  return { root: profile, diagnostics }
}

/** `mcp_config_dev.json` → `dev`, `mcp_config.json` → `default`, any other file → its base name. */
export function profileName(path: string): string {
  const name = basename(path).replace(/\.(?:json|ya?ml)$/i, '')
  return /^\.?mcp(?:[_-]config)?$/i.test(name) ? 'default' : name.replace(/^mcp[_-]config[_-]/i, '')
}

/** Other clients take any text as a name; ours is part of URLs and file names. */
function nameOf(name: string, at: Place, diagnostics: Diagnostic[]): string {
  const clean = name
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 64)
  if (clean === name || clean === '') return name
  const message = `the server ${quote(name)} is called "${clean}" here`
  diagnostics.push(diagnose(at, { severity: 'warning', code: 'renamed_server', message }))
  return clean
}

function serverOf(node: Node): Node {
  if (node.kind !== 'map') return node
  const taken = new Map<string, Entry>()
  for (const [key, entry] of entriesOf(node)) {
    const ours = keyOf(key, entry, node)
    if (ours !== undefined) taken.set(ours.key, { key: entry.key, value: ours.value })
  }
  return { kind: 'map', entries: taken, at: node.at }
}

function keyOf(
  key: string,
  { value }: Entry,
  server: MapNode,
): { readonly key: string; readonly value: Node } | undefined {
  if (['command', 'args', 'env', 'cwd', 'url', 'headers', 'enabled'].includes(key)) return { key, value }
  if (key === 'serverUrl' || key === 'httpUrl') return { key: 'url', value }
  if (key === 'type' || key === 'transport') return transportOf(value, server)
  if (key === 'disabled' && value.kind === 'scalar' && typeof value.value === 'boolean') {
    return { key: 'enabled', value: scalar(value.at, !value.value) }
  }
  return undefined
}

function transportOf(value: Node, server: MapNode) {
  if (value.kind !== 'scalar' || server.entries.has('command')) return undefined
  const known = Object.hasOwn(TRANSPORTS, value.text.toLowerCase()) ? TRANSPORTS[value.text.toLowerCase()] : undefined
  return { key: 'transport', value: known === undefined ? value : scalar(value.at, known) }
}

function map(at: Place, values: Readonly<Record<string, Node>>): MapNode {
  const entries = Object.entries(values).map(([key, value]) => [key, { key: value.at, value }] as const)
  return { kind: 'map', entries: new Map(entries), at }
}

function scalar(at: Place, value: string | number | boolean): Node {
  return { kind: 'scalar', value, text: String(value), plain: typeof value !== 'string', at }
}
