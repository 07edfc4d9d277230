import type { IncomingHttpHeaders } from 'node:http'
import type { Server } from '../../config/profile.ts'
import { ALWAYS_FORWARDED, isForwardable } from '../../shared/forwardable.ts'

type Fields = Readonly<Record<string, string>>

/** The names for one definition of a server are put together once. */
const known = new WeakMap<Server, readonly string[]>()

/** What of a client's request head this server is told; undefined for nothing. */
export function forwarded(headers: IncomingHttpHeaders, server: Server): Fields | undefined {
  let fields: Record<string, string> | undefined
  for (const name of namesFor(server)) {
    const value = headers[name]
    // Fetching clients that have no language say "*".
    if (typeof value !== 'string' || (value === '*' && name === 'accept-language')) continue
    fields ??= {}
    fields[name] = value
  }
  return fields
}

function namesFor(server: Server): readonly string[] {
  const before = known.get(server)
  if (before) return before
  const names = namesOf(server)
  known.set(server, names)
  return names
}

/** None to a process, which has no heads, and none that the profile itself sets: a client must not replace it. */
function namesOf({ transport, forwardHeaders }: Server): readonly string[] {
  if (transport.kind === 'stdio') return []
  const own = new Set(Object.keys(transport.headers).map((name) => name.toLowerCase()))
  return [...new Set([...ALWAYS_FORWARDED, ...forwardHeaders])].filter((name) => isForwardable(name) && !own.has(name))
}
