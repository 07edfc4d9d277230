import { type Frame, frameOf, MARGIN } from './frame.ts'
import { type Id, isRecord, type Params, type RpcResponse } from './rpc.ts'
import type { Text } from './text.ts'
import { unreadIn } from './unread.ts'
import { type Source, Written } from './written.ts'

/** From so many bytes on an answer goes on as the bytes it came in; below, text costs less. */
const LARGE = 4096

/**
 * What a JSON text stands for; a plain result keeps its text, so that it can go on under another id without being
 * written anew. Throws SyntaxError.
 *
 * Why that is safe: what stands around the result is matched to the letter, and what is left is parsed by itself. If it
 * parses, it is one JSON value and nothing more, so the message has exactly the members `jsonrpc`, `id` and `result`,
 * each once, and the digits matched are those of its only id. Whatever else the text may be (a second `id` behind the
 * result, spaces, escapes in names) either does not match or leaves no value: it is parsed as a whole, and written anew.
 */
export function parseMessage(text: string): unknown {
  const line = text.slice(
    0,
    lengthOfLine(text.length, (at) => text.charCodeAt(at)),
  )
  const frame = frameOf(line.slice(0, MARGIN), line.slice(-MARGIN), line.length)
  const result = frame && resultIn(line, frame)
  return frame && result ? new Verbatim(result, line, frame) : JSON.parse(text)
}

/** The same of bytes: a large result is not even parsed unless somebody needs to know what is in it. */
export function readMessage(bytes: Buffer): unknown {
  const line =
    bytes.length < LARGE
      ? undefined
      : bytes.subarray(
          0,
          lengthOfLine(bytes.length, (at) => bytes[at]),
        )
  return (line && unreadIn(line)) ?? parseMessage(bytes.toString())
}

/** The text of a response with this id; all else is as it came. */
export function withId(response: RpcResponse, id: Id): Text {
  const text = response instanceof Written ? response.under(id) : undefined
  return text ?? JSON.stringify({ ...response, id })
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Some libraries end a message with a line break, wherever it goes. */
function lengthOfLine(length: number, at: (index: number) => number | undefined): number {
  let end = length
  for (let last = at(end - 1); last === LINE_FEED || last === CARRIAGE_RETURN; last = at(end - 1)) end--
  return end
}

function resultIn(text: string, { result: [start, end] }: Frame): Params | undefined {
  try {
    const value: unknown = JSON.parse(text.slice(start, end))
    return isRecord(value) ? value : undefined
  } catch {
    // More than one value, or none: the whole may still be a message.
    return undefined
  }
}

/** A result with the text it came in. A copy of it, with anything changed, is a response like any other. */
class Verbatim extends Written {
  readonly jsonrpc = '2.0'
  readonly id: number
  readonly result: Params
  readonly [field: string]: unknown
  readonly #text: string
  readonly #frame: Frame

  constructor(result: Params, text: string, frame: Frame) {
    super()
    this.id = Number(text.slice(...frame.id))
    this.result = result
    this.#text = text
    this.#frame = frame
  }

  get isUnread(): boolean {
    return false
  }

  /** Undefined for a text of several lines: an event of a stream has but one. */
  get source(): Source | undefined {
    const text = this.#text
    return text.includes('\n') || text.includes('\r') ? undefined : { text, frame: this.#frame }
  }

  under(id: Id): string | undefined {
    const text = this.#text
    const [start, end] = this.#frame.id
    if (text.includes('\n') || text.includes('\r')) return undefined
    return `${text.slice(0, start)}${JSON.stringify(id)}${text.slice(end)}`
  }
}
