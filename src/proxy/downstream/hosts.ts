import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Group } from '../../config/profile.ts'

/** What of a group says from where, and under which names, requests may come. */
export type Doors = Pick<Group, 'host' | 'auth' | 'allowedHosts' | 'allowedOrigins'>

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const WILDCARD = new Set(['0.0.0.0', '::'])

/**
 * Against DNS rebinding: loopback names, the bind address itself, and what the profile lists. Bound to every interface
 * without such a list, the names people use are not known, so any goes where a token is needed anyway; without one only
 * addresses, which cannot be rebound. Takes the value of a `Host` header.
 */
export function hostRule({ host, auth, allowedHosts }: Doors): (header: string) => boolean {
  const names = new Set([...LOOPBACK, ...[host, ...allowedHosts].map(canonical)])
  const isWildcard = WILDCARD.has(host)
  const isAnyGood = isWildcard && auth.type !== 'none' && allowedHosts.length === 0
  return remembering((header) => {
    const hostname = hostnameOf(header)
    if (hostname === undefined) return false
    return names.has(hostname) || isAnyGood || (isWildcard && isIP(hostname.replace(/^\[|\]$/g, '')) !== 0)
  })
}

/** Pages of loopback, and exactly the origins the profile lists; `null`, which is anybody's, never. */
export function originRule({ allowedOrigins }: Doors): (origin: string) => boolean {
  const listed = new Set(allowedOrigins.filter((origin) => origin !== 'null'))
  return remembering((origin) => listed.has(origin) || isLoopbackOrigin(origin))
}

/** The host of an absolute target (RFC 9112, 3.2.2), as a `Host` header would say it; undefined when it is none. */
export function hostOfTarget(target: string): string | undefined {
  const url = /^https?:\/\//i.test(target) ? parsed(target) : undefined
  return url && !url.username && !url.password ? url.host : undefined
}

/** Whether there is exactly one `Host`: of two, who stands in front may have looked at the other one. */
export function hasOneHost({ rawHeaders }: IncomingMessage): boolean {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (isHost(rawHeaders[i])) count++
  return count === 1
}

function isHost(name: string | undefined): boolean {
  return name?.length === 4 && name.toLowerCase() === 'host'
}

/** As it comes out of a URL, where each address has one spelling. */
function canonical(host: string): string {
  return hostnameOf(isIP(host) === 6 ? `[${host}]` : host) ?? host.toLowerCase()
}

/** The same rule; what it let pass last is let pass at once, since most requests come with the same value. */
function remembering(rule: (header: string) => boolean): (header: string) => boolean {
  let good: string | undefined
  return (header) => {
    if (header === good) return true
    if (!rule(header)) return false
    good = header
    return true
  }
}

function hostnameOf(header: string): string | undefined {
  const url = parsed(`http://${header}`)
  if (!url || url.username || url.password || url.pathname !== '/' || url.search || url.hash) return undefined
  return url.hostname
}

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined
}

function isLoopbackOrigin(origin: string): boolean {
  const url = parsed(origin)
  if (!url || url.origin !== origin) return false
  return (url.protocol === 'http:' || url.protocol === 'https:') && LOOPBACK.has(url.hostname)
}
