import type { IncomingMessage } from 'node:http'
import type { Auth } from '../../config/profile.ts'
import { type Denial, refusal } from './denial.ts'
import type { Gate } from './gate.ts'
import { type Doors, hasOneHost, hostOfTarget, hostRule, originRule } from './hosts.ts'
import { jwtGate } from './jwt-gate.ts'
import { tokenGate } from './tokens.ts'

/** Who may talk to this group at all: decided from the request's head, before anything of its body is read. */
export interface Guard {
  /** Undefined when the request may pass, as far as it can be told without asking who it is. */
  check(request: IncomingMessage): Denial | undefined
  /** Asks who it is; undefined where anybody may come. */
  readonly gate: Gate | undefined
}

/** Node silently drops header fields beyond its limit: a request that reaches the limit cannot be judged. */
export const MAX_HEADERS = 100

export function guardOf(doors: Doors): Guard {
  const isHostAllowed = hostRule(doors)
  const isOriginKnown = originRule(doors)
  const foreignHost = refusal(403, 'Forbidden: this Host is not allowed')
  return {
    gate: gateOf(doors.auth, doors.host),
    check(request) {
      const { rawHeaders, headers, url = '' } = request
      if (rawHeaders.length >= 2 * MAX_HEADERS) return refusal(431, 'Too many header fields')
      if (!hasOneHost(request)) return refusal(400, 'Exactly one Host header is needed')
      if (!isHostAllowed(headers.host ?? '')) return foreignHost
      if (!url.startsWith('/')) {
        const target = hostOfTarget(url)
        if (target === undefined) return refusal(400, 'Bad request target')
        if (!isHostAllowed(target)) return foreignHost
      }
      if (!isOriginAllowed(request, isOriginKnown)) return refusal(403, 'Forbidden: this Origin is not allowed')
      return headers.upgrade?.toLowerCase() === 'websocket' ? refusal(400, 'There are no WebSockets here') : undefined
    },
  }
}

function gateOf(auth: Auth, host: string): Gate | undefined {
  switch (auth.type) {
    case 'none':
      return undefined
    case 'bearer':
      return tokenGate(auth)
    case 'jwt':
      return jwtGate(auth, { host })
    default:
      return auth satisfies never
  }
}

/** No Origin: not a browser, or a same-origin GET; a cross-site one betrays itself by its fetch metadata. */
function isOriginAllowed({ headers }: IncomingMessage, isKnown: (origin: string) => boolean): boolean {
  const { origin } = headers
  if (origin === undefined) return headers['sec-fetch-site'] !== 'cross-site'
  return isKnown(origin)
}
