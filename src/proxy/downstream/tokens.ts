import { timingSafeEqual } from 'node:crypto'
import type { BearerAuth } from '../../config/profile.ts'
import { refusal } from './denial.ts'
import { digest, type Gate, type Guest, tokenOf } from './gate.ts'

interface Known extends Guest {
  readonly digest: Buffer
}

const ADVICE = 'Unauthorized: a valid bearer token is needed'
const missing = refusal(401, ADVICE, { 'www-authenticate': 'Bearer' })
const wrong = refusal(401, ADVICE, { 'www-authenticate': 'Bearer error="invalid_token"' })

/** Lets in who shows one of the tokens of the profile. */
export function tokenGate({ tokens }: BearerAuth): Gate {
  const all = tokens.map(({ name, digest: hex }): Known => {
    const bytes = Buffer.from(hex, 'hex')
    return { name, digest: bytes, principal: bytes.toString('base64url') }
  })
  return {
    admit({ request }) {
      const token = tokenOf(request)
      return token === undefined ? missing : (find(digest(token), all) ?? wrong)
    },
  }
}

/** Compares digests, all of them: neither the length nor the position of a difference shows in the time taken. */
function find(given: Buffer, all: readonly Known[]): Guest | undefined {
  let found: Known | undefined
  for (const known of all) if (timingSafeEqual(given, known.digest)) found = known
  return found
}
