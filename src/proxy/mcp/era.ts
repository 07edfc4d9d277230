import type { IncomingMessage } from 'node:http'
import { type Denial, REFUSED } from '../downstream/denial.ts'
import { HEADER_MISMATCH, type Id, INVALID_PARAMS, isMessage, isRecord, isRequest, type RpcRequest } from './rpc.ts'

/** Legacy begins with `initialize` and has sessions; modern (2026-07-28 on) carries all it needs in every request. */
export type Era = 'legacy' | 'modern'

/** The revisions spoken downstream, all of the era with `initialize` and sessions; the newest first. */
export const versions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export type Version = (typeof versions)[number]

/** The revisions of the modern era spoken downstream; the newest first. */
export const modernVersions: readonly string[] = ['2026-07-28']

/** The only revision whose POST may carry several messages. */
export const BATCHING: Version = '2025-03-26'

const MODERN_SINCE = '2026-07-28'

/** The keys of `_meta` that make a request of the modern era whole by itself, and what answers carry in theirs. */
export const envelope = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  level: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/**
 * The one place that decides the era of a POST. The body speaks first: `initialize`, batches and responses are legacy,
 * an envelope that names a modern revision is modern. The header decides only where the body cannot, and must never
 * contradict it. (MCP: Versioning and Compatibility, 2026-07-28.)
 */
export function eraOf(body: unknown, header: string | undefined): Era | Denial {
  if (!isRecord(body) || body.method === undefined) return 'legacy'
  if (isMessage(body) && isRequest(body)) return eraOfRequest(body, header)
  return namesModern(body.params) || isModern(header) ? 'modern' : 'legacy'
}

function eraOfRequest(request: RpcRequest, header: string | undefined): Era | Denial {
  const { id, method, params } = request
  if (namesModern(params)) return 'modern'
  const version = versionIn(params)
  if (isModern(header) && (method === 'initialize' || isVersion(version))) return mixed(request, header)
  if (isModern(header) || method === 'server/discover') return lacking(id)
  return version === undefined || isVersion(version) ? 'legacy' : lacking(id)
}

/** Whether the parameters claim to be of a modern revision; it need not be one that we speak. */
function namesModern(params: unknown): boolean {
  const version = versionIn(params)
  return typeof version === 'string' && !isVersion(version)
}

function versionIn(params: unknown): unknown {
  return isRecord(params) && isRecord(params._meta) ? params._meta[envelope.version] : undefined
}

/** Whether a header names a revision of the modern era, known or not. */
export function isModern(header: string | undefined): header is string {
  return header !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(header) && header >= MODERN_SINCE
}

function lacking(id: Id): Denial {
  const message = `Invalid params: _meta must name the revision in ${envelope.version}`
  return { status: 400, code: INVALID_PARAMS, message, id }
}

function mixed({ id, method }: RpcRequest, header: string): Denial {
  const message = `Header mismatch: the header names ${header}, the body is a request "${method}" of an earlier revision`
  return { status: 400, code: HEADER_MISMATCH, message, id }
}

/** A legacy client may leave the header out; what it sends must be a revision we speak. */
export function checkVersion(header: string | undefined): Denial | undefined {
  if (header === undefined || isVersion(header)) return undefined
  const message = `Bad Request: Unsupported protocol version: ${header} (supported versions: ${versions.join(', ')})`
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
