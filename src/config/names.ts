import type { Diagnostic } from '../shared/diagnostic.ts'
import type { CheckedGroup } from './checked-group.ts'
import type { Filter, Server } from './profile.ts'
import { diagnose, type Place, type Problem, quote } from './source.ts'

/**
 * Names that two servers of a group would share. What a server offers is known only when it runs; but where the profile
 * itself names one twice (in `allow` and `rename`, behind the prefixes) it is an error, and where nothing keeps two
 * prefixes apart (`a_` and `a_b_`: is `a_b_c` the one's `b_c` or the other's `c`?) a warning.
 */
export function checkNames({ group, selected }: CheckedGroup): Diagnostic[] {
  const places = new Map(selected.servers.map(({ name, at }) => [name, at]))
  // One that stands twice in a group is reported as that.
  const enabled = new Map(group.servers.filter((server) => server.enabled).map((server) => [server.name, server]))
  const servers = [...enabled.values()].map((server) => ({
    server,
    at: places.get(server.name) ?? selected.at,
    tools: namesOf(server, server.tools),
    prompts: namesOf(server, server.prompts),
  }))
  return [...namedTwice(servers, 'tools'), ...namedTwice(servers, 'prompts'), ...nested(servers)]
}

interface Named {
  readonly server: Server
  readonly at: Place
  readonly tools: Names
  readonly prompts: Names
}

/** What the profile alone tells of the names a server will show. */
interface Names {
  readonly spelt: readonly Name[]
  /** Whether there can be no others. */
  readonly isAll: boolean
}

interface Name {
  readonly own: string
  readonly shown: string
}

const GLOB = /[*?[\]{}()!+@\\]/

function namesOf({ prefix }: Server, { allow, deny, rename }: Filter): Names {
  // What a pattern hides is not looked into.
  if (deny.some((pattern) => GLOB.test(pattern))) return { spelt: [], isAll: false }
  const renamed = new Map(Object.entries(rename))
  const spelt = allow === 'all' ? [...renamed.keys()] : allow.filter((pattern) => !GLOB.test(pattern))
  const visible = spelt.filter((own) => !deny.includes(own))
  return {
    spelt: visible.map((own) => ({ own, shown: prefix + (renamed.get(own) ?? own) })),
    isAll: allow !== 'all' && spelt.length === allow.length,
  }
}

function namedTwice(servers: readonly Named[], kind: 'tools' | 'prompts'): Diagnostic[] {
  const holders = new Map<string, { readonly name: string; readonly own: string }>()
  return servers.flatMap((named) =>
    named[kind].spelt.flatMap(({ own, shown }) => {
      const holder = holders.get(shown)
      if (holder === undefined) holders.set(shown, { name: named.server.name, own })
      return holder === undefined ? [] : [diagnose(named.at, twice({ kind, shown, own, holder, ...named }))]
    }),
  )
}

interface Twice {
  readonly kind: 'tools' | 'prompts'
  readonly shown: string
  readonly own: string
  readonly server: Server
  readonly holder: { readonly name: string; readonly own: string }
}

function twice({ kind, shown, own, server, holder }: Twice): Problem {
  const [first, second] = [`${quote(holder.own)} of ${quote(holder.name)}`, `${quote(own)} of ${quote(server.name)}`]
  const message = `the ${kind === 'tools' ? 'tool' : 'prompt'} ${quote(shown)} would be both ${first} and ${second}`
  return { code: 'ambiguous_name', message, hint: 'change one of the prefixes, or rename one of the two' }
}

/** Of prefixes that begin with one another. Whoever takes none at all wants the bare names, and knows. */
function nested(servers: readonly Named[]): Diagnostic[] {
  const holders = new Map<string, Named>()
  for (const named of servers.toReversed()) holders.set(named.server.prefix, named)
  return servers.flatMap((named) => {
    const { prefix } = named.server
    const shorter = Array.from({ length: prefix.length }, (_, at) => holders.get(prefix.slice(0, at + 1)))
    const holder = [holders.get(prefix), ...shorter].find((other) => other && other !== named && mayMeet(other, named))
    return holder === undefined ? [] : [diagnose(named.at, meeting(holder.server, named.server))]
  })
}

/** Whether a tool of the one with the shorter prefix may be called like one of the other. */
function mayMeet(short: Named, long: Named): boolean {
  const begin = long.server.prefix
  if (!short.tools.isAll) return !long.tools.isAll || long.tools.spelt.length > 0
  // Where both lists are whole, what they share is an error.
  return !long.tools.isAll && short.tools.spelt.some(({ shown }) => shown.startsWith(begin))
}

function meeting(short: Server, long: Server): Problem {
  const isSame = short.prefix === long.prefix
  const rest = long.prefix.slice(short.prefix.length)
  const same = `servers ${quote(short.name)} and ${quote(long.name)} have the same prefix ${quote(long.prefix)}`
  const begins = `${quote(`${rest}x`)} of ${quote(short.name)} and "x" of ${quote(long.name)} would both be ${quote(`${long.prefix}x`)}`
  return {
    severity: 'warning',
    code: 'ambiguous_prefix',
    message: isSame ? same : begins,
    hint: 'give them prefixes of which none begins with the other',
  }
}
