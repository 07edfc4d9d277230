import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Auth, Group } from '../../config/profile.ts'
import { type Denial, refusal } from './denial.ts'

/** Who may talk to this group at all: decided from the request's head, before anything of its body is read. */
export interface Guard {
  /** Undefined when the request may pass. Public routes (the probes) need no token, but the rest holds. */
  check(request: IncomingMessage, route: { readonly isPublic: boolean }): Denial | undefined
  /** The authorization context of a request that passed: a digest of its token, empty where none is needed. */
  principal(request: IncomingMessage): string
}

/** Node silently drops header fields beyond its limit: a request that reaches the limit cannot be judged. */
export const MAX_HEADERS = 100

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
const WILDCARD = new Set(['0.0.0.0', '::'])

export function guardOf({ host, auth }: Pick<Group, 'host' | 'auth'>): Guard {
  const isHostAllowed = remembering(hostRule(host, auth.type !== 'none'))
  const isOriginKnown = remembering(isLoopbackOrigin)
  const tokens = digestsOf(auth)
  return {
    check(request, { isPublic }) {
      if (request.rawHeaders.length >= 2 * MAX_HEADERS) return refusal(431, 'Too many header fields')
      if (!request.url?.startsWith('/')) return refusal(400, 'Bad request target')
      if (countHosts(request.rawHeaders) !== 1) return refusal(400, 'Exactly one Host header is needed')
      if (!isHostAllowed(request.headers.host ?? '')) return refusal(403, 'Forbidden: this Host is not allowed')
      if (!isOriginAllowed(request, isOriginKnown)) return refusal(403, 'Forbidden: this Origin is not allowed')
      if (isPublic || !tokens || isTokenKnown(request.headers.authorization, tokens)) return undefined
      return refusal(401, 'Unauthorized: a valid bearer token is needed', { 'www-authenticate': 'Bearer' })
    },
    principal({ headers }) {
      const token = tokens && tokenOf(headers.authorization)
      return token === undefined ? '' : digest(token).toString('base64url')
    },
  }
}

/** Undefined where anybody may come. */
function digestsOf(auth: Auth): readonly Buffer[] | undefined {
  if (auth.type === 'none') return undefined
  return auth.type === 'bearer' ? auth.tokens.map(({ digest }) => Buffer.from(digest, 'hex')) : []
}

/**
 * Against DNS rebinding: loopback names and the bind address itself. Bound to every interface, the names people use
 * are not known, so any goes where a token is needed anyway; without one only addresses, which cannot be rebound.
 */
function hostRule(bind: string, hasToken: boolean): (header: string) => boolean {
  const own = isIP(bind) === 6 ? `[${bind.toLowerCase()}]` : bind.toLowerCase()
  const isWildcard = WILDCARD.has(bind)
  return (header) => {
    const hostname = hostnameOf(header)
    if (hostname === undefined) return false
    if (LOOPBACK.has(hostname) || hostname === own) return true
    return isWildcard && (hasToken || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0)
  }
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

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (isHost(rawHeaders[i])) count++
  return count
}

function isHost(name: string | undefined): boolean {
  return name?.length === 4 && name.toLowerCase() === 'host'
}

/** No Origin: not a browser, or a same-origin GET; a cross-site one betrays itself by its fetch metadata. */
function isOriginAllowed(request: IncomingMessage, isKnown: (origin: string) => boolean): boolean {
  const { origin } = request.headers
  if (origin === undefined) return request.headers['sec-fetch-site'] !== 'cross-site'
  return isKnown(origin)
}

function isLoopbackOrigin(origin: string): boolean {
  const url = parsed(origin)
  if (!url || url.origin !== origin) return false
  return (url.protocol === 'http:' || url.protocol === 'https:') && LOOPBACK.has(url.hostname)
}

/** Compares digests, all of them: neither the length nor the position of a difference shows in the time taken. */
function isTokenKnown(header: string | undefined, tokens: readonly Buffer[]): boolean {
  const token = tokenOf(header)
  if (token === undefined) return false
  const given = digest(token)
  return tokens.reduce((known, expected) => timingSafeEqual(given, expected) || known, false)
}

function tokenOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? '')?.[1]
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
