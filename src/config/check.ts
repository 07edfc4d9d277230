import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Group } from './profile.ts'
import type { SelectedGroup } from './select.ts'
import { diagnose, type Place, quote } from './source.ts'
import { child } from './tree.ts'

/** A group as resolved, beside what of the files it came from. */
export interface CheckedGroup {
  readonly group: Group
  readonly selected: SelectedGroup
}

/** What only the whole of a profile can tell: clashes of addresses and prefixes, ports open to others, locks that are not there. */
export function checkGroups(groups: readonly CheckedGroup[]): Diagnostic[] {
  return [
    ...portClashes(groups),
    ...groups.flatMap(checkBind),
    ...groups.flatMap(prefixClashes),
    ...groups.flatMap(unlocked),
  ]
}

function placeOf({ selected }: CheckedGroup, key: string): Place {
  return child(selected.node, key)?.at ?? selected.at
}

function portClashes(groups: readonly CheckedGroup[]): Diagnostic[] {
  return groups.flatMap((later, index) => {
    if (later.group.port === 'auto') return []
    const earlier = groups.slice(0, index).find(({ group }) => overlaps(group, later.group))
    if (earlier === undefined) return []
    const [a, b] = [earlier.group, later.group]
    const message = `groups ${quote(a.name)} and ${quote(b.name)} both want port ${b.port}${sameHost(a, b) ? '' : ` (${a.host} and ${b.host} overlap)`}`
    return [
      diagnose(placeOf(later, 'port'), {
        code: 'duplicate_port',
        message,
        hint: 'give one of them another port, or auto',
      }),
    ]
  })
}

function sameHost(a: Group, b: Group): boolean {
  return a.host === b.host
}

function overlaps(a: Group, b: Group): boolean {
  if (a.port === 'auto' || a.port !== b.port) return false
  const [first, second] = [addressOf(a.host), addressOf(b.host)]
  return first === second || first === 'any' || second === 'any'
}

/** Hosts that are the same address under several names, and those that stand for every address. */
function addressOf(host: string): string {
  if (/^(?:0\.0\.0\.0|::|0:0:0:0:0:0:0:0|\*)$/.test(host)) return 'any'
  return /^localhost\.?$/i.test(host) ? '127.0.0.1' : host.toLowerCase()
}

/** Node's own patterns would be `isIP`, but to load `node:net` takes longer than to check a profile. */
const LOOPBACK_4 = /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/
/** As the host of a URL, where each address has one spelling: `::1`, and 127.0.0.0/8 mapped. */
const LOOPBACK_6 = /^\[(?:::1|::ffff:7f[\da-f]{2}:[\da-f]+)\]$/

function isLoopback(host: string): boolean {
  if (/^localhost\.?$/i.test(host) || LOOPBACK_4.test(host)) return true
  const url = `http://[${host}]`
  return /^[\da-f:.]+$/i.test(host) && URL.canParse(url) && LOOPBACK_6.test(new URL(url).hostname)
}

function checkBind(checked: CheckedGroup): Diagnostic[] {
  const { group } = checked
  if (group.auth.type === 'bearer' || isLoopback(group.host)) return []
  const message = `group ${quote(group.name)} is open to the network on ${group.host} without auth`
  const hint = 'add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1'
  return [diagnose(placeOf(checked, 'host'), { code: 'open_bind', message, hint })]
}

/** Two servers with the same prefix may still have different tools, so this is for people to know. */
function prefixClashes({ group, selected }: CheckedGroup): Diagnostic[] {
  const holders = new Map<string, string>()
  return group.servers.flatMap(({ name, prefix, enabled }) => {
    const holder = enabled ? holders.get(prefix) : undefined
    if (enabled && holder === undefined) holders.set(prefix, name)
    if (holder === undefined) return []
    const at = selected.servers.find((server) => server.name === name)?.at ?? selected.at
    const message = `servers ${quote(holder)} and ${quote(name)} have the same prefix ${quote(prefix)}`
    return [
      diagnose(at, {
        severity: 'warning',
        code: 'ambiguous_prefix',
        message,
        hint: 'give each server of a group its own prefix',
      }),
    ]
  })
}

/** Who asks to be guarded and is not must know. */
function unlocked({ group, selected }: CheckedGroup): Diagnostic[] {
  const names = group.servers.filter(isOpen).map(({ name }) => name)
  const [first] = names
  if (first === undefined) return []
  const at = selected.servers.find(({ name }) => name === first)?.at ?? selected.at
  const message = `nothing is enforced of ${names.map(quote).join(', ')}: mcpctl.lock says nothing of ${names.length === 1 ? 'it' : 'them'}`
  return [diagnose(at, { severity: 'warning', code: 'not_locked', message, hint: 'run mcpctl lock' })]
}

function isOpen({ enabled, integrity, pins }: Group['servers'][number]): boolean {
  return enabled && integrity === 'enforce' && pins === null
}
