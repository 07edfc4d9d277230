import { randomUUID } from 'node:crypto'
import { envelope } from './era.ts'
import { metaOf } from './meta.ts'
import { isRecord, PARSE_ERROR, type Params, RpcFailure, type RpcMessage } from './rpc.ts'
import { endOfObject } from './scan.ts'
import { hasBreak, type Text } from './text.ts'
import { hasTwins } from './twins.ts'

/** From so many bytes of a request on it pays to leave its arguments unread. */
const LARGE = 4096
/** What may stand before the arguments and behind them: all of it together is too short to nest too deep. */
const MOST_BEFORE = 500
const MOST_BEHIND = 1500
const NAME = '"arguments":'
/** Stands for the arguments where they are not; nobody can have written it. */
const MARK = randomUUID()

/**
 * Arguments that go on as the bytes they came in. Strings and braces have told where they begin and end; whether what is
 * inside is JSON is for whoever reads them to say.
 */
class Kept {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Throws RpcFailure when they are not JSON. */
  toJSON(): unknown {
    try {
      return JSON.parse(this.bytes.toString())
    } catch {
      // Its message would quote them, and they may hold secrets.
      throw new RpcFailure(PARSE_ERROR, 'Parse error: Invalid JSON')
    }
  }
}

/** What a call's arguments stand for. Throws RpcFailure when they are not JSON. */
export function argumentsOf(params: unknown): unknown {
  const args = isRecord(params) ? params.arguments : undefined
  return args instanceof Kept ? args.toJSON() : args
}

/**
 * A call of a tool with large arguments, which are left as the bytes they came in; undefined for anything else. The
 * bytes must be UTF-8. For what the arguments are see `argumentsOf`.
 *
 * Why that is safe: all but the arguments is parsed as it stands, with a mark in their place. Where the mark is found is
 * where a reader of the whole finds the arguments, so whatever the text may be (a second `arguments`, `id` or `params`,
 * a name that looks like them), it means the same. Not in the modern era: there a head repeats some arguments, and must
 * not be contradicted by a second spelling of them that a reader of the text might prefer.
 */
export function unreadCall(bytes: Buffer): RpcMessage | undefined {
  if (bytes.length < LARGE) return undefined
  const start = bytes.indexOf(NAME, 0, 'latin1') + NAME.length
  const end = start > MOST_BEFORE ? undefined : endOfObject(bytes, start)
  if (end === undefined || bytes.length - end > MOST_BEHIND) return undefined
  const text = `${bytes.toString('utf8', 0, start)}"${MARK}"${bytes.toString('utf8', end)}`
  const call = parsed(text)
  if (!isMarked(call) || hasTwins(text)) return undefined
  return { ...call, params: { ...call.params, arguments: new Kept(bytes.subarray(start, end)) } }
}

/** The JSON text of a message to a server of the legacy era; its arguments may turn out to be no JSON. */
export function textOf(message: RpcMessage): Text {
  const { params } = message
  if (!isRecord(params) || !(params.arguments instanceof Kept)) return JSON.stringify(message)
  const { bytes } = params.arguments
  const text = JSON.stringify({ ...message, params: { ...params, arguments: MARK } })
  const start = text.indexOf(MARK) - 1
  return { head: text.slice(0, start), bytes, tail: text.slice(start + MARK.length + 2) }
}

/**
 * The same for a pipe or a stream on which others have calls too, where what is no JSON could be taken for an answer of
 * theirs: one line of it, for sure. Throws RpcFailure when it is none.
 */
export function lineOf(message: RpcMessage): Text {
  argumentsOf(message.params)
  const text = textOf(message)
  return typeof text === 'string' || !hasBreak(text.bytes) ? text : JSON.stringify(message)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The whole is no JSON either, but that is for others to say.
    return undefined
  }
}

function isMarked(value: unknown): value is RpcMessage & { readonly params: Params } {
  if (!isRecord(value) || value.method !== 'tools/call' || !isRecord(value.params)) return false
  return value.params.arguments === MARK && !(envelope.version in metaOf(value.params))
}
