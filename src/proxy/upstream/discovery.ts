import { envelope } from '../mcp/era.ts'
import {
  HEADER_MISMATCH,
  isError,
  isRecord,
  MISSING_CAPABILITY,
  type Params,
  type RpcResponse,
  UNSUPPORTED_VERSION,
} from '../mcp/rpc.ts'
import type { Greeting } from './connection.ts'
import { MODERN_VERSION, metaOf } from './envelope.ts'
import { frameOf } from './listing.ts'

const modernErrors: readonly number[] = [HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION]

/** Whether only a server of the modern era answers `server/discover` in this way. */
export function isModernAnswer(answer: RpcResponse): boolean {
  if (isError(answer)) return modernErrors.includes(answer.error.code)
  return Array.isArray(answer.result.supportedVersions) && isRecord(answer.result.capabilities)
}

/** The revisions a server names as its own, in the answer to `server/discover` or in any refusal; else none. */
export function versionsIn(answer: RpcResponse): readonly unknown[] {
  const named = isError(answer)
    ? isRecord(answer.error.data) && answer.error.data.supported
    : answer.result.supportedVersions
  return Array.isArray(named) ? named : []
}

export function modernGreeting(result: Params): Greeting {
  const { capabilities, instructions } = result
  const serverInfo = metaOf(result, envelope.serverInfo)
  return {
    protocolVersion: MODERN_VERSION,
    serverInfo: isRecord(serverInfo) ? serverInfo : {},
    capabilities: isRecord(capabilities) ? capabilities : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
    frame: frameOf(result, greetingFields),
  }
}

/** What a greeting says of itself; everything else is passed on. */
export const greetingFields = ['protocolVersion', 'supportedVersions', 'serverInfo', 'capabilities', 'instructions']
