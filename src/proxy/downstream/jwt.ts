import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { JwtAuth } from '../../config/profile.ts'
import type { Guest } from './gate.ts'
import { Keys, type KeysOptions, KeysUnreachable } from './keys.ts'

/** What a token that is good says. */
export interface Claims {
  readonly guest: Guest
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  /** Until when it need not be verified again, in milliseconds since 1970. */
  readonly until: number
}

export type Verdict = Claims | { readonly refused: string } | 'unreachable'
/** Never rejects. Whom the token is meant for is not looked at here. */
export type Verify = (token: string) => Promise<Verdict>

/** Never `none`, and none with a secret that both sides have: a public key must not pass for one. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
const TOLERANCE_SECONDS = 10
/** A key that its owner took back is good for no longer. */
const TRUST_MS = 10 * 60_000

/** Verifies signature, issuer and time of tokens with the keys of the issuer. This module alone loads `jose`. */
export function verifier({ issuer, jwks }: JwtAuth, options: Omit<KeysOptions, 'url'>): Verify {
  const { now } = options
  const keys = new Keys({ url: jwks, ...options })
  const find: JWTVerifyGetKey = (header, input) => keys.find(header, input)
  return async (token) => {
    const wanted = {
      issuer: [issuer],
      algorithms: ALGORITHMS,
      clockTolerance: TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'sub', 'aud'],
      currentDate: new Date(now()),
    }
    try {
      const { payload } = await jwtVerify(token, find, wanted)
      return isNamed(payload.sub) ? claimsOf(payload, now()) : { refused: claimReason('sub') }
    } catch (error) {
      return error instanceof KeysUnreachable ? 'unreachable' : { refused: reasonOf(error) }
    }
  }
}

/** `jose` looks whether the claim is there, not what it is: all who have no name would be the same one. */
function isNamed(sub: unknown): boolean {
  return typeof sub === 'string' && sub !== ''
}

function claimsOf({ iss, sub = '', aud = [], exp = 0, scope, scp }: JWTPayload, now: number): Claims {
  const principal = createHash('sha256')
    .update(JSON.stringify([iss, sub]))
    .digest('base64url')
  return {
    guest: { principal, name: sub },
    audience: [aud].flat(),
    scopes: [...wordsOf(scope), ...wordsOf(scp)],
    until: Math.min((exp + TOLERANCE_SECONDS) * 1000, now + TRUST_MS),
  }
}

/** A text of words (RFC 8693, 4.2), or a list of them, which some servers call `scp`. */
function wordsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : []
}

/** In words of ours: nothing of the token gets into an answer. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error.claim)
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The token is signed in a way that is not accepted'
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token is signed with a key the issuer does not publish'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token is wrong'
  return 'The token is no JWT that can be verified'
}

const claimReasons: Readonly<Record<string, string>> = {
  iss: 'The token is of another issuer',
  nbf: 'The token is not valid yet',
  exp: 'The token says no time at which it ends',
  sub: 'The token names no subject',
  aud: 'The token names no audience',
}

function claimReason(claim: string): string {
  return claimReasons[claim] ?? 'A claim of the token is not acceptable'
}
