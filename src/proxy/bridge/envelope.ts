import { envelope } from '../mcp/era.ts'
import type { Caller } from '../mcp/exchange.ts'
import { withMeta, withoutMeta } from '../mcp/meta.ts'
import { isRecord, type Params } from '../mcp/rpc.ts'

/** What a modern client says of itself with every request. */
const said: ReadonlySet<string> = new Set([
  envelope.version,
  envelope.clientInfo,
  envelope.capabilities,
  envelope.level,
])
const TASKS = 'io.modelcontextprotocol/tasks'

/**
 * The params of a legacy client's request as the modern era wants them: what a session knows of its client goes with
 * every request (MCP: Basic, Per-request protocol fields). All else in `_meta` stays, the progress token and trace context among it.
 */
export function addEnvelope(params: Params | undefined, caller: Caller, protocolVersion: string): Params {
  const meta = envelopeOf(caller, protocolVersion)
  return params && '_meta' in params ? withMeta(params, meta) : { _meta: meta, ...params }
}

/** A session says the same with every request. */
const envelopes = new WeakMap<Caller, Params>()

function envelopeOf(caller: Caller, protocolVersion: string): Params {
  const known = envelopes.get(caller)
  if (known?.[envelope.version] === protocolVersion) return known
  const { clientInfo, level } = caller
  const made = {
    [envelope.version]: protocolVersion,
    [envelope.capabilities]: modernCapabilities(caller.capabilities),
    ...(isImplementation(clientInfo) && { [envelope.clientInfo]: clientInfo }),
    ...(level !== undefined && { [envelope.level]: level }),
  }
  envelopes.set(caller, made)
  return made
}

/** The params of a modern client's request without what only that era knows; `_meta` goes when nothing else was in it. */
export function stripEnvelope(params: Params | undefined): Params | undefined {
  const meta = params?._meta
  if (!params || !isRecord(meta)) return params
  const keys = Object.keys(meta)
  const kept = keys.filter((key) => !said.has(key))
  if (kept.length === keys.length) return params
  const { _meta: _gone, ...rest } = params
  if (kept.length === 0) return rest
  return { ...rest, _meta: Object.fromEntries(kept.map((key) => [key, meta[key]])) }
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
  return withMeta({ ...result, resultType }, { [envelope.serverInfo]: serverInfo })
}

/** A modern server's result without its type and its signature. */
export function stripSignature({ resultType: _type, ...result }: Params): Params {
  return withoutMeta(result, envelope.serverInfo)
}

/** Name and version are what the schema asks for; without them nothing is said, which is allowed. */
function isImplementation({ name, version }: Params): boolean {
  return typeof name === 'string' && typeof version === 'string'
}

function without(record: Params, key: string): Params {
  const { [key]: _gone, ...rest } = record
  return rest
}
