import type { Span } from '../mcp/frame.ts'
import type { Params, RpcResponse } from '../mcp/rpc.ts'
import { innerOf, type Source, Written } from '../mcp/written.ts'
import { addSignature, stripSignature } from './envelope.ts'

/** A server that says nothing of caching has promised nothing: stale at once, for nobody else. */
const uncached: Params = { ttlMs: 0, cacheScope: 'private' }
const BARE = '"resultType":"complete"'

/** What is said of a server's results on their way to a modern client, as members and as JSON text. */
interface Signature {
  readonly members: Params
  readonly text: string
  /** Without the type; empty where the server does not say who it is. */
  readonly metaText: string
}

interface Signatures {
  readonly plain: Signature
  /** With what a result says of caching. */
  readonly cacheable: Signature
}

/** A server says who it is once for all its calls. */
const known = new WeakMap<Params, Signatures>()

function signaturesOf(serverInfo: Params): Signatures {
  const before = known.get(serverInfo)
  if (before) return before
  const members = addSignature({}, serverInfo)
  const made = { plain: signatureOf(members), cacheable: signatureOf({ ...members, ...uncached }) }
  known.set(serverInfo, made)
  return made
}

function signatureOf(members: Params): Signature {
  const { resultType: _type, ...meta } = members
  return { members, text: membersOf(members), metaText: membersOf(meta) }
}

function membersOf(record: Params): string {
  return JSON.stringify(record).slice(1, -1)
}

/**
 * A legacy server's answer with what the modern era wants a result to say, in the text it came in where that has room
 * for it.
 */
export function signed(response: Answer, serverInfo: Params, isCacheable: boolean): RpcResponse {
  const { plain, cacheable } = signaturesOf(serverInfo)
  const { members, text } = isCacheable ? cacheable : plain
  const written = unamended(response)
  if (written && hasRoom(written, members))
    return written.amended({ kept: innerOf(written), added: text, apply: (result) => withMembers(members, result) })
  const result = addSignature(response.result, serverInfo)
  return { ...response, result: isCacheable ? { ...result, ...uncached } : result }
}

/** One spread, and that last: twenty times as fast on Node 20 as two, or as one with members behind it. */
function withMembers({ resultType, _meta, ...more }: Params, result: Params): Params {
  const signed = _meta === undefined ? { resultType, ...result } : { resultType, _meta, ...result }
  return more.ttlMs === undefined ? signed : { ...signed, ...more }
}

/** Whether the result has other members, and none of these. */
function hasRoom(written: Written, members: Params): boolean {
  if (!isBeginning(written)) return false
  const has = (name: string): boolean =>
    written.isUnread ? mentions(written, written.frame.result, `"${name}"`) : name in written.result
  return !Object.keys(members).some(has)
}

/**
 * A modern server's answer without what only its era says, in the text it came in: undefined unless that is complete,
 * and says so at one of its ends. A second word about it is for those to find who read the result.
 */
export function unsigned(response: Answer, serverInfo: Params): RpcResponse | undefined {
  const written = unamended(response)
  const kept = written && unsignedPart(written, signaturesOf(serverInfo).plain)
  if (!kept || era.some((name) => mentions(written, kept, name))) return undefined
  if (!written.isUnread && written.result.resultType !== 'complete') return undefined
  return written.amended({ kept, added: '', apply: stripSignature })
}

/** The letters of these names, and hardly anything else, are spelled like this in escapes. */
const era = ['"resultType"', '"_meta"', '\\u005', '\\u006', '\\u007']

/** What is left of the members of the result: its type comes first or last, the name of the server behind all else. */
function unsignedPart(source: Source, { text, metaText }: Signature): Span | undefined {
  if (!isBeginning(source)) return undefined
  const [start, end] = innerOf(source)
  const first = start + BARE.length + 1
  const isFirst = at(source, start, first) === `${BARE},`
  const ends = isFirst ? [metaText] : [text, BARE]
  const last = ends.find((one) => at(source, end - one.length - 1, end) === `,${one}`)
  if (isFirst) return [first, last ? end - last.length - 1 : end]
  return last === undefined ? undefined : [start, end - last.length - 1]
}

/** A response with a result. */
export type Answer = Exclude<RpcResponse, { readonly error: unknown }>

function unamended(response: Answer): Written | undefined {
  return response instanceof Written && !response.isAmended ? response : undefined
}

/** Whether the result begins with a member, so that there is one. */
function isBeginning({ text, frame }: Source): boolean {
  const first = frame.result[0] + 1
  return typeof text === 'string' ? text[first] === '"' : text[first] === 0x22
}

/** Of something else when that begins before the text does. */
function at({ text }: Source, start: number, end: number): string {
  return typeof text === 'string' ? text.slice(start, end) : text.toString('utf8', start, end)
}

/** Whether this text stands there. */
function mentions({ text }: Source, [start, end]: Span, what: string): boolean {
  const found = typeof text === 'string' ? text.indexOf(what, start) : text.indexOf(what, start, 'latin1')
  return found !== -1 && found < end
}

/**
 * The structured content of an unread answer, as far as is needed to know whether it is an object: an empty one when it
 * is, undefined when there is none, null when that would have to be read.
 */
export function unreadContent(response: Answer): Params | null | undefined {
  const source = unamended(response)
  if (!source) return null
  const { text, frame } = source
  const name = '"structuredContent"'
  const found = text.indexOf(name, frame.result[0])
  if (found === -1) return undefined
  return text.lastIndexOf(name) === found && at(source, found + name.length, found + name.length + 2) === ':{'
    ? {}
    : null
}
