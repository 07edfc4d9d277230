import { isUtf8 } from 'node:buffer'
import { type Id, isRecord, type Params, type RpcResponse } from './rpc.ts'
import type { Text } from './text.ts'

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
export function parseMessage(text: string, bytes?: Buffer): unknown {
  const line = withoutBreak(text)
  const frame = frameOf(line)
  const result = frame && resultIn(line, frame)
  if (!frame || !result) return JSON.parse(text)
  const isLarge = bytes !== undefined && bytes.length >= LARGE && isUtf8(bytes)
  const kept = isLarge ? bytes.subarray(0, bytes.length - (text.length - line.length)) : undefined
  return new Verbatim(result, { text: line, frame, bytes: kept })
}

/** The text of a response with this id; all else is as it came. */
export function withId(response: RpcResponse, id: Id): Text {
  const text = response instanceof Verbatim ? response.under(id) : undefined
  return text ?? JSON.stringify({ ...response, id })
}

/** Some libraries end a message with a line break, wherever it goes. */
function withoutBreak(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end--
  return end === text.length ? text : text.slice(0, end)
}

/** Where in a text the id and the result stand. */
interface Frame {
  readonly id: readonly [start: number, end: number]
  readonly result: readonly [start: number, end: number]
}

/** The id before the result, or behind it: as the libraries write it that most servers are made with. */
const early = /^\{"jsonrpc":"2\.0","id":(0|[1-9]\d{0,14}),"result":(?=\{)/
const late = /^(,"jsonrpc":"2\.0","id":|,"id":)(0|[1-9]\d{0,14})(|,"jsonrpc":"2\.0")\}$/
const EARLY_ID = '{"jsonrpc":"2.0","id":'.length
const RESULT = '{"result":'
/** Behind a result there is no more than this. */
const LONGEST_END = 64

function frameOf(text: string): Frame | undefined {
  const end = text.length
  const before = early.exec(text)
  if (before?.[1]) return { id: [EARLY_ID, EARLY_ID + before[1].length], result: [before[0].length, end - 1] }
  if (!text.startsWith(`${RESULT}{`)) return undefined
  const behind = text.lastIndexOf('}', end - 2) + 1
  const [, lead = '', id = '', trail = ''] = (end - behind < LONGEST_END && late.exec(text.slice(behind))) || []
  // The version stands on one side of the id, not on both.
  if (id === '' || lead.includes('jsonrpc') === trail.includes('jsonrpc')) return undefined
  const start = behind + lead.length
  return { id: [start, start + id.length], result: [RESULT.length, behind] }
}

function resultIn(text: string, { result: [start, end] }: Frame): Params | undefined {
  try {
    const value: unknown = text.endsWith('}') ? JSON.parse(text.slice(start, end)) : undefined
    return isRecord(value) ? value : undefined
  } catch {
    // More than one value, or none: the whole may still be a message.
    return undefined
  }
}

interface Source {
  readonly text: string
  readonly frame: Frame
  /** The same in UTF-8, of a large message that came as bytes. */
  readonly bytes: Buffer | undefined
}

/** A result with the text it came in. A copy of it, with anything changed, is a response like any other. */
class Verbatim {
  readonly jsonrpc = '2.0'
  readonly id: number
  readonly result: Params
  readonly [field: string]: unknown
  readonly #source: Source

  constructor(result: Params, source: Source) {
    const { text, frame } = source
    this.id = Number(text.slice(...frame.id))
    this.result = result
    this.#source = source
  }

  /** Undefined for a text of several lines: an event of a stream has but one. */
  under(id: Id): Text | undefined {
    const { text, frame, bytes } = this.#source
    const [start, end] = frame.id
    if (text.includes('\n') || text.includes('\r')) return undefined
    const own = JSON.stringify(id)
    if (!bytes) return `${text.slice(0, start)}${own}${text.slice(end)}`
    // Around the id there is nothing but ASCII: from the nearer end of the message characters are bytes.
    if (start < frame.result[0]) return { head: `${text.slice(0, start)}${own}`, bytes: bytes.subarray(end), tail: '' }
    const rest = text.length - start
    return { head: '', bytes: bytes.subarray(0, bytes.length - rest), tail: `${own}${text.slice(end)}` }
  }
}
