import { isIPv6 } from 'node:net'
import { allPids, descriptorsOf, text } from './procfs.ts'

const LISTENING = '0A'

/** Who listens on a port, for people: `node (pid 123)`, or undefined where the system does not tell. */
export function portOwner(host: string, port: number): string | undefined {
  const inodes = listeners(port, isIPv6(host) ? ['tcp6', 'tcp'] : ['tcp', 'tcp6'])
  if (inodes.size === 0) return undefined
  const pid = allPids().find((candidate) => descriptorsOf(candidate).some((target) => inodes.has(target)))
  return pid === undefined ? 'another process' : `${text(`/proc/${pid}/comm`)?.trim() ?? 'a process'} (pid ${pid})`
}

/** The sockets in state LISTEN on the port, as descriptors name them. */
function listeners(port: number, tables: readonly string[]): ReadonlySet<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = tables.flatMap((table) => text(`/proc/net/${table}`)?.split('\n').slice(1) ?? [])
  const found = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[1]?.endsWith(suffix))
  return new Set(found.filter((row) => row[3] === LISTENING).map((row) => `socket:[${row[9]}]`))
}
