import type { JwtAuth } from '../../config/profile.ts'
import { Recent } from '../../shared/recent.ts'
import { type Denial, refusal } from './denial.ts'
import { type Arrival, digest, type Gate, type Guest, tokenOf } from './gate.ts'
import type { Claims, Verdict, Verify } from './jwt.ts'
import { metadataOf, metadataUrl, resourceOf } from './resource.ts'

export interface JwtGateOptions {
  /** Where the group listens. */
  readonly host: string
  /** In milliseconds since 1970; tests move it. */
  readonly now?: () => number
  /** How long the authorization server may take for its keys, in milliseconds. */
  readonly patience?: number
}

/** Tokens whose claims are remembered. */
const MOST_KNOWN = 10_000
const PATIENCE_MS = 5000
const UNREACHABLE_SECONDS = '5'

/**
 * Lets in who shows a token of the authorization server, meant for this very address and with every scope the profile
 * wants. (MCP: Authorization; RFC 6750, 8707, 9728.) A token is verified once: until it expires, or for ten minutes, it
 * is known by its digest. What verifies is loaded with the first token.
 */
export function jwtGate(auth: JwtAuth, { host, now = Date.now, patience = PATIENCE_MS }: JwtGateOptions): Gate {
  const known = new Recent<Claims>(MOST_KNOWN)
  const judge = (arrival: Arrival, claims: Claims): Guest | Denial => {
    const resource = resourceOf(auth, host, arrival)
    const audience =
      auth.audience.length > 0 ? auth.audience : [resource, resourceOf(auth, host, { ...arrival, server: undefined })]
    if (!claims.audience.some((name) => audience.includes(name)))
      return unauthorized(auth, resource, 'The token is for another audience')
    if (auth.scopes.every((scope) => claims.scopes.includes(scope))) return claims.guest
    return refusal(
      403,
      'Forbidden: the token lacks a scope',
      challenge(auth, resource, { error: 'insufficient_scope' }),
    )
  }
  const conclude = (arrival: Arrival, key: string, verdict: Verdict): Guest | Denial => {
    if (verdict === 'unreachable') return unreachable
    if ('refused' in verdict) return unauthorized(auth, resourceOf(auth, host, arrival), verdict.refused)
    known.set(key, verdict)
    return judge(arrival, verdict)
  }
  let verify: Promise<Verify> | undefined
  return {
    admit(arrival) {
      const token = tokenOf(arrival.request)
      if (token === undefined) return unauthorized(auth, resourceOf(auth, host, arrival))
      const key = digest(token).toString('base64url')
      const claims = known.get(key)
      if (claims && now() < claims.until) return judge(arrival, claims)
      verify ??= import('./jwt.ts').then(({ verifier }) => verifier(auth, { now, patience }))
      return verify.then((check) => check(token)).then((verdict) => conclude(arrival, key, verdict))
    },
    metadata: (arrival) => metadataOf(auth, resourceOf(auth, host, arrival)),
  }
}

/** Nobody comes in unseen. */
const unreachable = refusal(503, 'Service Unavailable: the keys of the authorization server cannot be had', {
  'retry-after': UNREACHABLE_SECONDS,
})

/** `why` is undefined when no token was shown at all: then there is no error to name (RFC 6750, 3.1). */
function unauthorized(auth: JwtAuth, resource: string, why?: string): Denial {
  const error = why === undefined ? {} : { error: 'invalid_token', error_description: why }
  return refusal(401, `Unauthorized: ${why ?? 'a token is needed'}`, challenge(auth, resource, error))
}

function challenge({ scopes }: JwtAuth, resource: string, error: Readonly<Record<string, string>>) {
  const scope = scopes.length > 0 ? { scope: scopes.join(' ') } : {}
  const parameters = { ...error, ...scope, resource_metadata: metadataUrl(resource) }
  const text = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`)
  return { 'www-authenticate': `Bearer ${text.join(', ')}` }
}
