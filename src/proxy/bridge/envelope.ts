import { envelope } from '../mcp/era.ts'
import type { Caller } from '../mcp/exchange.ts'
import { isRecord, type Params } from '../mcp/rpc.ts'
import { withoutMeta } from '../upstream/envelope.ts'

/** What a modern client says of itself with every request. */
const said = [envelope.version, envelope.clientInfo, envelope.capabilities, envelope.level] as const
const TASKS = 'io.modelcontextprotocol/tasks'

/**
 * The params of a legacy client's request as the modern era wants them: what a session knows of its client goes with
 * every request (MCP: Basic, Per-request protocol fields). All else in `_meta` stays, the progress token and trace context among it.
 */
export function addEnvelope(params: Params | undefined, caller: Caller, protocolVersion: string): Params {
  const { clientInfo, level } = caller
  const meta: Params = {
    ...metaOf(params),
    [envelope.version]: protocolVersion,
    [envelope.capabilities]: modernCapabilities(caller.capabilities),
    ...(isImplementation(clientInfo) && { [envelope.clientInfo]: clientInfo }),
    ...(level !== undefined && { [envelope.level]: level }),
  }
  return { ...params, _meta: meta }
}

/** The params of a modern client's request without what only that era knows; `_meta` goes when nothing else was in it. */
export function stripEnvelope(params: Params | undefined): Params | undefined {
  return params && said.reduce(withoutMeta, params)
}

/** Tasks of the old core have gone, those of the extension bring results no legacy client can take; roots no longer tell of changes. */
function modernCapabilities(capabilities: Params): Params {
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
  return { ...result, resultType, _meta: { ...metaOf(result), [envelope.serverInfo]: serverInfo } }
}

/** A modern server's result without its type and its signature. */
export function stripSignature({ resultType: _type, ...result }: Params): Params {
  return withoutMeta(result, envelope.serverInfo)
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
