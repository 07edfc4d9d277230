import type { IncomingMessage } from 'node:http'
import { type Denial, REFUSED } from './downstream/denial.ts'
import { isRecord } from './rpc.ts'

/** Legacy begins with `initialize` and has sessions; modern (2026-07-28 on) carries all it needs in every request. */
export type Era = 'legacy' | 'modern'

/** The revisions spoken downstream, all of the era with `initialize` and sessions; the newest first. */
export const versions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export type Version = (typeof versions)[number]

/** The only revision whose POST may carry several messages. */
export const BATCHING: Version = '2025-03-26'

const MODERN_SINCE = '2026-07-28'
const ENVELOPE = 'io.modelcontextprotocol/protocolVersion'

/**
 * The one place that decides the era of a request: `legacy` begins with `initialize` and has sessions; `modern`
 * carries its version in every request. The body speaks first, the header only where the body is silent.
 */
export function eraOf(body: unknown, header: string | undefined): Era {
  if (isRecord(body)) {
    if (body.method === 'initialize') return 'legacy'
    if (body.method === 'server/discover') return 'modern'
    if (isRecord(body.params) && isRecord(body.params._meta) && ENVELOPE in body.params._meta) return 'modern'
  }
  return header !== undefined && header >= MODERN_SINCE ? 'modern' : 'legacy'
}

/** Not one of the modern era's own errors, so that a client of both eras falls back to `initialize`. */
export function modernRefusal(header: string | undefined): Denial {
  return unsupported(header ?? MODERN_SINCE)
}

/** A legacy client may leave the header out; what it sends must be a revision we speak. */
export function checkVersion(header: string | undefined): Denial | undefined {
  if (header === undefined || isVersion(header)) return undefined
  return unsupported(header)
}

function unsupported(version: string): Denial {
  const message = `Bad Request: Unsupported protocol version: ${version} (supported versions: ${versions.join(', ')})`
  return { status: 400, code: REFUSED, message }
}

/** What `initialize` answers: the client's revision when we speak it, else our newest. */
export function negotiate(asked: unknown): Version {
  return isVersion(asked) ? asked : versions[0]
}

export function isVersion(value: unknown): value is Version {
  return versions.some((version) => version === value)
}

/** The revision a request's head names. */
export function versionHeader({ headers }: IncomingMessage): string | undefined {
  const header = headers['mcp-protocol-version']
  return typeof header === 'string' ? header : undefined
}
