import { envelope, modernVersions } from '../mcp/era.ts'
import { isLevel, type Level } from '../mcp/levels.ts'
import { INVALID_PARAMS, isRecord, type Params, UNSUPPORTED_VERSION } from '../mcp/rpc.ts'
import type { Denial } from './denial.ts'

/** What a modern request says about its client in `_meta`, checked. (MCP: Basic, `_meta`, 2026-07-28.) */
export interface Envelope {
  readonly version: string
  readonly capabilities: Params
  readonly clientInfo: Params
  /** The least severe log message it wants to hear of; undefined: none at all. */
  readonly level: Level | undefined
}

/** The envelope of a request; a refusal for what is missing or of another shape than the specification wants. */
export function readEnvelope(params: Params | undefined): Envelope | Denial {
  const meta = isRecord(params?._meta) ? params._meta : {}
  const { [envelope.version]: version, [envelope.capabilities]: capabilities } = meta
  const { [envelope.clientInfo]: clientInfo, [envelope.level]: level } = meta
  if (typeof version !== 'string') return malformed(envelope.version, 'must name the revision')
  if (!isRecord(capabilities)) return malformed(envelope.capabilities, 'must be an object')
  if (!Object.values(capabilities).every(isRecord)) return malformed(envelope.capabilities, 'must consist of objects')
  if (clientInfo !== undefined && !isImplementation(clientInfo))
    return malformed(envelope.clientInfo, 'must have a name and a version')
  if (level !== undefined && !isLevel(level)) return malformed(envelope.level, 'must be a log level')
  return { version, capabilities, clientInfo: isRecord(clientInfo) ? clientInfo : {}, level }
}

function isImplementation(value: unknown): boolean {
  return isRecord(value) && typeof value.name === 'string' && typeof value.version === 'string'
}

function malformed(key: string, problem: string): Denial {
  return { status: 400, code: INVALID_PARAMS, message: `Invalid params: _meta["${key}"] ${problem}` }
}

/** Refuses a revision we do not speak, and says which we do. (MCP: Versioning and Compatibility.) */
export function checkRevision({ version }: Envelope): Denial | undefined {
  if (modernVersions.includes(version)) return undefined
  const data = { supported: modernVersions, requested: version }
  return { status: 400, code: UNSUPPORTED_VERSION, message: `Unsupported protocol version: ${version}`, data }
}
