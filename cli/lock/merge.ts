import { type Lock, type LockedServer, noPins, pinNamed } from '../../src/config/lock-data.ts'
import type { Pinned } from '../../src/config/profile.ts'
import { didYouMean } from '../../src/config/suggest.ts'
import { type PinnedKind, pinnedKinds } from '../../src/shared/drift.ts'
import { McpctlError } from '../../src/shared/errors.ts'

/** What servers say now, by name. */
export type Entries = ReadonlyMap<string, LockedServer>

/** The lock with all that is said now in place of what it had; entries of servers that `isKept` does not know go. */
export function renewed(lock: Lock, entries: Entries, isKept: (server: string) => boolean): Lock {
  const kept = Object.entries(lock.servers).filter(([name]) => isKept(name))
  return { servers: Object.fromEntries([...kept, ...entries]) }
}

/** What `--accept` names. */
export interface Accepted {
  readonly server: string
  /** Of a tool, prompt or template; undefined for the whole server. */
  readonly item: string | undefined
}

/** Reads `SERVER` or `SERVER/NAME`. Throws `usage` when there is no such server. */
export function acceptedIn(text: string, servers: readonly string[]): Accepted {
  const server = servers.find((name) => text === name || text.startsWith(`${name}/`))
  if (server !== undefined) return { server, item: text === server ? undefined : text.slice(server.length + 1) }
  const [name = ''] = text.split('/')
  throw new McpctlError('usage', `there is no server "${name}" to accept from`, { hint: didYouMean(name, servers) })
}

/** The lock with only what is accepted taken over. Throws `usage` for an item that neither side knows. */
export function partly(lock: Lock, entries: Entries, accepted: readonly Accepted[]): Lock {
  const servers = new Map(Object.entries(lock.servers))
  for (const { server, item } of accepted) {
    const fresh = entries.get(server)
    if (!fresh) continue
    const before = servers.get(server) ?? { ...noPins, serverInfo: fresh.serverInfo }
    servers.set(server, item === undefined ? fresh : withItem(before, fresh, { server, item }))
  }
  return { servers: Object.fromEntries(servers) }
}

function withItem(before: LockedServer, fresh: LockedServer, { server, item }: { server: string; item: string }) {
  const kinds = pinnedKinds.filter((kind) => pinNamed(before[kind], item) ?? pinNamed(fresh[kind], item))
  if (kinds.length === 0 && item === 'instructions') return { ...before, instructions: fresh.instructions }
  if (kinds.length === 0) {
    const names = pinnedKinds.flatMap((kind) => [...Object.keys(before[kind]), ...Object.keys(fresh[kind])])
    throw new McpctlError('usage', `server "${server}" has no "${item}"`, { hint: didYouMean(item, names) })
  }
  const taken = (kind: PinnedKind) => (kinds.includes(kind) ? replaced(before[kind], fresh[kind], item) : before[kind])
  return { ...before, tools: taken('tools'), prompts: taken('prompts'), templates: taken('templates') }
}

function replaced(before: Pinned, fresh: Pinned, item: string): Pinned {
  const others = Object.entries(before).filter(([name]) => name !== item)
  const pin = pinNamed(fresh, item)
  return Object.fromEntries(pin ? [...others, [item, pin]] : others)
}
