import { seal, unseal } from '../../shared/sealed.ts'
import { isVersion, type Version } from '../mcp/era.ts'
import { isRecord, type Params, recordOf } from '../mcp/rpc.ts'

/** What a session id carries under its seal: enough for any generation of the proxy to go on with the session. */
export interface SessionFacts {
  readonly sid: string
  /** The server whose address the session is bound to; undefined for the group's own. */
  readonly server: string | undefined
  readonly version: Version
  /** What the client declared in `initialize`. */
  readonly capabilities: Params
  readonly clientInfo: Params
  /** A session belongs to one group: all groups of a project share the key. */
  readonly group: string
  /** The authorization context it began in: its id is worth nothing in another. Empty where no token is needed. */
  readonly principal: string
}

export interface Sealer {
  seal(facts: SessionFacts): string
  /** Undefined for whatever this key did not seal. */
  open(id: string): SessionFacts | undefined
}

/** Ids travel in a header, whose lines servers and proxies cut at 8 KiB. */
const LONGEST_ID = 8192
const LONGEST_PART = 2048

/** Seals with a 32-byte key, given in base64url. Throws RangeError for a key of another length. */
export function sealerOf(sessionKey: string): Sealer {
  const key = Buffer.from(sessionKey, 'base64url')
  if (key.length !== 32) throw new RangeError(`a session key has 32 bytes, this one has ${key.length}`)
  return {
    seal: ({ capabilities, clientInfo, ...facts }) =>
      seal({ ...facts, capabilities: compact(capabilities), clientInfo: compact(clientInfo) }, key),
    open: (id) => (id.length > LONGEST_ID ? undefined : factsOf(recordOf(unseal(id, key)))),
  }
}

function factsOf({
  sid,
  server,
  version,
  capabilities,
  clientInfo,
  group,
  principal,
}: Params): SessionFacts | undefined {
  if (typeof sid !== 'string' || typeof group !== 'string' || !isVersion(version)) return undefined
  if (!isRecord(capabilities) || !isRecord(clientInfo)) return undefined
  return {
    sid,
    server: typeof server === 'string' ? server : undefined,
    version,
    capabilities,
    clientInfo,
    group,
    principal: typeof principal === 'string' ? principal : '',
  }
}

/** A record too long for a header keeps its keys, each with an empty record: what was declared, without its details. */
function compact(record: Params): Params {
  if (JSON.stringify(record).length <= LONGEST_PART) return record
  const keys = Object.keys(record).filter((key) => key.length <= 64)
  return Object.fromEntries(keys.slice(0, 16).map((key) => [key, {}]))
}
