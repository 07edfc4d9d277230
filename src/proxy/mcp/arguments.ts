import { envelope } from './era.ts'
import { isRecord, type Params, type RpcMessage } from './rpc.ts'
import type { Text } from './text.ts'

/** From so many characters of a request on it pays to keep the text of its arguments. */
const LARGE = 4096

/**
 * Arguments that go on as the bytes they came in. They have been parsed, so they are one JSON object; what came of it is
 * not kept while the call lasts: `argumentsOf` says what they are, and in JSON they are what they were.
 */
class Kept {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  toJSON(): unknown {
    return JSON.parse(this.bytes.toString())
  }
}

/** What a call's arguments stand for. */
export function argumentsOf(params: Params | undefined): unknown {
  const args = params?.arguments
  return args instanceof Kept ? args.toJSON() : args
}

/**
 * What the text of a request stands for, which came in these bytes; large arguments of a tool's call keep theirs, so that
 * they need not be written anew: for what they are see `argumentsOf`. Throws SyntaxError.
 *
 * As with results, what stands around the arguments (and `_meta` behind them) is matched to the letter, and each of the
 * two is parsed by itself: if both parse, each is one JSON value and the request has exactly these members, each once.
 * Not in the modern era: there a head repeats some arguments, and must not be contradicted by a second spelling of them
 * that a reader of the text might prefer.
 */
export function parseRequest(text: string, bytes: Buffer): unknown {
  const frame = text.length >= LARGE ? frameOf(text) : undefined
  return (frame && framed({ text, bytes }, frame)) ?? JSON.parse(text)
}

/** The JSON text of a message to a server of the legacy era. */
export function textOf(message: RpcMessage): Text {
  const { params, ...rest } = message
  if (!isRecord(params) || !(params.arguments instanceof Kept)) return JSON.stringify(message)
  const { bytes } = params.arguments
  const names = Object.keys(params)
  const at = names.indexOf('arguments')
  const written = (some: readonly string[]) =>
    JSON.stringify(Object.fromEntries(some.map((name) => [name, params[name]])))
  const before = written(names.slice(0, at)).slice(1, -1)
  const after = written(names.slice(at + 1)).slice(1)
  const head = `${JSON.stringify(rest).slice(0, -1)},"params":{${before}${before && ','}"arguments":`
  return { head, bytes, tail: `${after === '}' ? '' : ','}${after}}` }
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** A call, and where in its text the arguments begin and the parameters end. */
interface Frame {
  readonly id: unknown
  readonly name: unknown
  readonly start: number
  readonly end: number
}

/** Without escapes, and of one byte each, so that what stands behind them has the same place in text and bytes. */
const PLAIN = String.raw`[\x20\x21\x23-\x5b\x5d-\x7e]`
/** The id before the method, or behind the parameters. */
const ID = `((?:0|[1-9]\\d{0,14})|"${PLAIN}{0,100}")`
const CALL = String.raw`"method":"tools/call","params":\{"name":("${PLAIN}{0,200}"),"arguments":(?=\{)`
const early = new RegExp(String.raw`^\{"jsonrpc":"2\.0","id":${ID},${CALL}`)
const late = new RegExp(`^\\{${CALL}`)
const behind = new RegExp(String.raw`^\},"jsonrpc":"2\.0","id":${ID}\}$`)
/** The longest that can stand behind the parameters. */
const LONGEST_END = 140
const META = ',"_meta":'
/** Looking for it further away costs more than writing the arguments anew. */
const LONGEST_META = 2048

function frameOf(text: string): Frame | undefined {
  const before = early.exec(text)
  if (before && text.endsWith('}}'))
    return { ...idAndName(before[1], before[2]), start: before[0].length, end: text.length - 2 }
  const head = late.exec(text)
  const from = head ? text.lastIndexOf('},"jsonrpc"') : -1
  const tail = head && from >= text.length - LONGEST_END ? behind.exec(text.slice(from)) : null
  return head && tail ? { ...idAndName(tail[1], head[1]), start: head[0].length, end: from } : undefined
}

function idAndName(id: string | undefined, name: string | undefined): Pick<Frame, 'id' | 'name'> {
  return { id: JSON.parse(String(id)), name: JSON.parse(String(name)) }
}

interface Source {
  readonly text: string
  /** The same in UTF-8. */
  readonly bytes: Buffer
}

/** Undefined when there is something else than arguments and `_meta`. */
function framed(source: Source, { id, name, start, end }: Frame): unknown {
  const near = Math.max(start, end - LONGEST_META)
  const cut = near + source.text.slice(near, end).lastIndexOf(META)
  const withMeta = cut > near ? paramsIn(source, { name, start, cut, end }) : undefined
  const params = withMeta ?? paramsIn(source, { name, start, cut: end, end })
  return params && { jsonrpc: '2.0', id, method: 'tools/call', params }
}

interface Cut {
  readonly name: unknown
  readonly start: number
  /** Where the arguments end. */
  readonly cut: number
  readonly end: number
}

function paramsIn({ text, bytes }: Source, { name, start, cut, end }: Cut): Params | undefined {
  try {
    const parsed: unknown = JSON.parse(text.slice(start, cut))
    const meta: unknown = cut < end ? JSON.parse(text.slice(cut + META.length, end)) : undefined
    // Before the arguments there is nothing but ASCII, and what follows them is short.
    const written = bytes.subarray(start, bytes.length - Buffer.byteLength(text.slice(cut)))
    const args = isToKeep(parsed, meta, written) ? new Kept(written) : parsed
    return meta === undefined ? { name, arguments: args } : { name, arguments: args, _meta: meta }
  } catch {
    // More than one value, or none: the whole may still be a request.
    return undefined
  }
}

/** A message is one line on a pipe, so arguments of several lines are written anew. */
function isToKeep(args: unknown, meta: unknown, written: Buffer): boolean {
  const isModern = isRecord(meta) && envelope.version in meta
  return isRecord(args) && !isModern && !written.includes(LINE_FEED) && !written.includes(CARRIAGE_RETURN)
}
