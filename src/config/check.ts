import type { Diagnostic } from '../shared/diagnostic.ts'
import type { CheckedGroup } from './checked-group.ts'
import { checkNames } from './names.ts'
import type { Group } from './profile.ts'
import { diagnose, type Place, quote } from './source.ts'
import { child } from './tree.ts'

/** What only the whole of a profile can tell: clashes of addresses and prefixes, ports open to others, locks that are not there. */
export function checkGroups(groups: readonly CheckedGroup[]): Diagnostic[] {
  return [...portClashes(groups), ...[checkBind, checkNames, unlocked].flatMap((check) => groups.flatMap(check))]
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
  return first === second || covers(first, second) || covers(second, first)
}

/** Whether one address stands for the other: `::` for all there are, `0.0.0.0` for those of IPv4. */
function covers(wide: string, other: string): boolean {
  return wide === '[::]' || (wide === '0.0.0.0' && !other.startsWith('['))
}

/** The one spelling of hosts that are the same address: that of URLs; IPv4 mapped into IPv6 is IPv4. */
function addressOf(host: string): string {
  if (host === '*') return '[::]'
  const url = host.includes(':') ? `http://[${host}]` : `http://${host}`
  const name = URL.canParse(url) ? new URL(url).hostname : host
  const [, high = '', low = ''] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(name) ?? []
  if (high !== '') return [high, low].flatMap((part) => [parseInt(part, 16) >> 8, parseInt(part, 16) & 255]).join('.')
  return /^localhost\.?$/.test(name) ? '127.0.0.1' : name
}

/** Node's own patterns would be `isIP`, but to load `node:net` takes longer than to check a profile. */
const LOOPBACK_4 = /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/
/** As the host of a URL, where each address has one spelling: `::1`, and 127.0.0.0/8 mapped. */
const LOOPBACK_6 = /^\[(?:::1|::ffff:7f[\da-f]{2}:[\da-f]+)\]$/

export function isLoopback(host: string): boolean {
  if (/^localhost\.?$/i.test(host) || LOOPBACK_4.test(host)) return true
  const url = `http://[${host}]`
  return /^[\da-f:.]+$/i.test(host) && URL.canParse(url) && LOOPBACK_6.test(new URL(url).hostname)
}

function checkBind(checked: CheckedGroup): Diagnostic[] {
  const { group } = checked
  if (group.auth.type === 'jwt' && group.auth.resource === '' && EVERYWHERE.has(addressOf(group.host)))
    return [unnamed(checked)]
  if (isLoopback(group.host)) return []
  const at = placeOf(checked, 'host')
  if (group.auth.type !== 'none') {
    const message = `group ${quote(group.name)} is open to the network on ${group.host}, to clients that have a token`
    return [diagnose(at, { severity: 'warning', code: 'network_bind', message })]
  }
  const message = `group ${quote(group.name)} is open to the network on ${group.host} without auth`
  const hint = 'add auth: { type: bearer, tokens: "${secret:NAME}" }, or take host 127.0.0.1'
  return [diagnose(at, { code: 'open_bind', message, hint })]
}

const EVERYWHERE = new Set(['0.0.0.0', '[::]'])

/** On every interface there is no address to know it by. */
function unnamed(checked: CheckedGroup): Diagnostic {
  const message = `group ${quote(checked.group.name)} has auth of type jwt on every address, but no resource`
  const hint = 'add resource: the URL its clients use, for example https://mcp.example.com/mcp'
  return diagnose(placeOf(checked, 'auth'), { code: 'no_resource', message, hint })
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
