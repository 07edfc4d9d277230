import type { Caller } from '../exchange.ts'
import { isRecord, type Params } from '../rpc.ts'

const PREFIX = 'io.modelcontextprotocol/'
const PROTOCOL_VERSION = `${PREFIX}protocolVersion`
const CLIENT_INFO = `${PREFIX}clientInfo`
const CLIENT_CAPABILITIES = `${PREFIX}clientCapabilities`
const LOG_LEVEL = `${PREFIX}logLevel`
const SERVER_INFO = `${PREFIX}serverInfo`
const TASKS = `${PREFIX}tasks`

/**
 * The params of a legacy client's request as the modern era wants them: what a session knows of its client goes with
 * every request (MCP: Basic, Per-request protocol fields). All else in `_meta` stays, the progress token and trace context among it.
 */
export function addEnvelope(params: Params | undefined, caller: Caller, protocolVersion: string): Params {
  const { clientInfo, level } = caller
  const meta: Params = {
    ...metaOf(params),
    [PROTOCOL_VERSION]: protocolVersion,
    [CLIENT_CAPABILITIES]: modernCapabilities(caller.capabilities),
    ...(isImplementation(clientInfo) && { [CLIENT_INFO]: clientInfo }),
    ...(level !== undefined && { [LOG_LEVEL]: level }),
  }
  return { ...params, _meta: meta }
}

/** The params of a modern client's request without what only that era knows; `_meta` goes when nothing else was in it. */
export function stripEnvelope(params: Params | undefined): Params | undefined {
  if (!isRecord(params?._meta)) return params
  const {
    [PROTOCOL_VERSION]: _version,
    [CLIENT_INFO]: _info,
    [CLIENT_CAPABILITIES]: _capabilities,
    [LOG_LEVEL]: _level,
    ...rest
  } = params._meta
  const { _meta, ...others } = params
  return Object.keys(rest).length > 0 ? { ...others, _meta: rest } : others
}

/** Tasks of the old core have gone, those of the extension bring results no legacy client can take; roots no longer tell of changes. */
export function modernCapabilities(capabilities: Params): Params {
  const { tasks: _tasks, roots, extensions, ...rest } = capabilities
  return {
    ...rest,
    ...(isRecord(roots) && { roots: without(roots, 'listChanged') }),
    ...(isRecord(extensions) && { extensions: without(extensions, TASKS) }),
  }
}

/** A legacy server's result as the modern era wants it: it says what it is and who made it. */
export function addSignature(result: Params, serverInfo: Params, resultType = 'complete'): Params {
  if (!isImplementation(serverInfo)) return { ...result, resultType }
  return { ...result, resultType, _meta: { ...metaOf(result), [SERVER_INFO]: serverInfo } }
}

/** A modern server's result without its type and its signature. */
export function stripSignature({ resultType: _type, ...result }: Params): Params {
  if (!isRecord(result._meta) || !(SERVER_INFO in result._meta)) return result
  const { _meta, ...others } = result
  const rest = without(result._meta, SERVER_INFO)
  return Object.keys(rest).length > 0 ? { ...others, _meta: rest } : others
}

function metaOf({ _meta: meta }: Params = {}): Params {
  return isRecord(meta) ? meta : {}
}

/** Name and version are what the schema asks for; without them nothing is said, which is allowed. */
function isImplementation({ name, version }: Params): boolean {
  return typeof name === 'string' && typeof version === 'string'
}

function without(record: Params, key: string): Params {
  const { [key]: _gone, ...rest } = record
  return rest
}
