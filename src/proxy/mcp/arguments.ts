import { envelope } from './era.ts'
import { isRecord, type Params, type RpcMessage } from './rpc.ts'

/** From so many characters of a request on it pays to keep the text of its arguments. */
const LARGE = 4096

/** Of arguments that nobody has built another object in place of. */
const texts = new WeakMap<object, string>()

/**
 * What the text of a request stands for; large arguments of a tool's call keep theirs, so that they need not be written
 * anew. Throws SyntaxError.
 *
 * As with results, what stands around the arguments (and `_meta` behind them) is matched to the letter, and each of the
 * two is parsed by itself: if both parse, each is one JSON value and the request has exactly these members, each once.
 * Not in the modern era: there a head repeats some arguments, and must not be contradicted by a second spelling of them
 * that a reader of the text might prefer.
 */
export function parseRequest(text: string): unknown {
  const frame = text.length >= LARGE ? frameOf(text) : undefined
  return (frame && framed(text, frame)) ?? JSON.parse(text)
}

/** The JSON text of a message to a server of the legacy era. */
export function textOf(message: RpcMessage): string {
  const { params, ...rest } = message
  const text = isRecord(params) && isRecord(params.arguments) ? texts.get(params.arguments) : undefined
  if (!isRecord(params) || text === undefined) return JSON.stringify(message)
  const members = Object.entries(params).flatMap(([name, value]) => {
    const written = name === 'arguments' ? text : JSON.stringify(value)
    return written === undefined ? [] : [`${JSON.stringify(name)}:${written}`]
  })
  return `${JSON.stringify(rest).slice(0, -1)},"params":{${members.join(',')}}}`
}

/** A call, and where in its text the arguments begin and the parameters end. */
interface Frame {
  readonly id: unknown
  readonly name: unknown
  readonly start: number
  readonly end: number
}

/** Ids and names without escapes; the id before the method, or behind the parameters. */
const ID = String.raw`((?:0|[1-9]\d{0,14})|"[^"\\\x00-\x1f]{0,100}")`
const CALL = String.raw`"method":"tools/call","params":\{"name":("[^"\\\x00-\x1f]{0,200}"),"arguments":(?=\{)`
const early = new RegExp(String.raw`^\{"jsonrpc":"2\.0","id":${ID},${CALL}`)
const late = new RegExp(`^\\{${CALL}`)
const behind = new RegExp(String.raw`^\},"jsonrpc":"2\.0","id":${ID}\}$`)
/** The longest that can stand behind the parameters. */
const LONGEST_END = 140
const META = ',"_meta":'

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

/** Undefined when there is something else than arguments and `_meta`. */
function framed(text: string, { id, name, start, end }: Frame): unknown {
  const cut = text.lastIndexOf(META, end)
  const withMeta = cut > start ? paramsIn(text, { name, start, cut, end }) : undefined
  const params = withMeta ?? paramsIn(text, { name, start, cut: end, end })
  return params && { jsonrpc: '2.0', id, method: 'tools/call', params }
}

interface Cut {
  readonly name: unknown
  readonly start: number
  /** Where the arguments end. */
  readonly cut: number
  readonly end: number
}

function paramsIn(text: string, { name, start, cut, end }: Cut): Params | undefined {
  try {
    const written = text.slice(start, cut)
    const args: unknown = JSON.parse(written)
    const meta: unknown = cut < end ? JSON.parse(text.slice(cut + META.length, end)) : undefined
    keep(args, meta, written)
    return meta === undefined ? { name, arguments: args } : { name, arguments: args, _meta: meta }
  } catch {
    // More than one value, or none: the whole may still be a request.
    return undefined
  }
}

/** A message is one line on a pipe, so arguments of several lines are written anew. */
function keep(args: unknown, meta: unknown, written: string): void {
  const isModern = isRecord(meta) && envelope.version in meta
  if (!isRecord(args) || isModern || written.includes('\n') || written.includes('\r')) return
  texts.set(args, written)
}
