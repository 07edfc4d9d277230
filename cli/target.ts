import { didYouMean } from '../src/config/suggest.ts'
import type { GroupStatus, Status } from '../src/control/protocol.ts'
import { McpctlError } from '../src/shared/errors.ts'
import type { ServerStatus } from '../src/shared/status.ts'

/** What `GROUP` or `GROUP/SERVER` on the command line means. */
export interface Target {
  readonly group: GroupStatus
  readonly server: ServerStatus | undefined
  /** Where it speaks MCP. */
  readonly url: string
}

/** Finds the group and server. Throws `usage` with the nearest name when there is none. */
export function findTarget(status: Status, text: string): Target {
  const [groupName = '', serverName] = splitTarget(text)
  const group = named('group', status.groups, groupName)
  if (serverName === undefined) return { group, server: undefined, url: group.url }
  const server = named('server', group.servers, serverName)
  return { group, server, url: new URL(`/servers/${encodeURIComponent(server.name)}/mcp`, group.url).href }
}

/** `group/server` in two; a server's name may hold a slash, a group's may not. */
export function splitTarget(text: string): [string, string | undefined] {
  const at = text.indexOf('/')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** The groups of these names, or all of them when none is named. */
export function findGroups(status: Status, names: readonly string[]): readonly GroupStatus[] {
  if (names.length === 0) return status.groups
  return names.map((name) => named('group', status.groups, name))
}

function named<T extends { readonly name: string }>(kind: string, all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name)
  if (found) return found
  const hint = didYouMean(
    name,
    all.map((one) => one.name),
  )
  throw new McpctlError('usage', `unknown ${kind} "${name}"`, { hint })
}
