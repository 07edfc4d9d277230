import { isUtf8 } from 'node:buffer'
import { type Frame, frameOf, MARGIN, type Span } from './frame.ts'
import { type Id, INTERNAL_ERROR, isRecord, type Params, RpcFailure, type RpcMessage } from './rpc.ts'
import { endOfObject } from './scan.ts'
import type { Framed } from './text.ts'
import { type Source, Written } from './written.ts'

/**
 * A plain response of one line as the bytes it came in, its result unread: strings and braces tell where it begins and
 * ends, so that the message has exactly the members `jsonrpc`, `id` and `result`, each once. What is in its strings and
 * between them is for the client to make sense of, as if nobody stood in between. Undefined when it is anything else.
 */
export function unreadIn(bytes: Buffer): Unread | undefined {
  const { length } = bytes
  const frame = frameOf(
    bytes.toString('latin1', 0, MARGIN),
    bytes.toString('latin1', Math.max(length - MARGIN, 0), length),
    length,
  )
  if (!frame) return undefined
  const [start, end] = frame.result
  let isTelling = false
  const onName = (from: number, to: number): void => {
    isTelling ||= tells(bytes, from, to)
  }
  if (endOfObject(bytes, start, onName) !== end || !isUtf8(bytes) || hasBreak(bytes)) return undefined
  if (!isTelling) return new Unread(bytes, frame)
  const result = parsed(bytes, frame.result)
  return result && new Unread(bytes, frame, result)
}

/** Whether a message is a response with nothing in its result that anybody on its way needs to know. */
export function isUnread(message: RpcMessage): boolean {
  return message instanceof Written && message.isUnread
}

const BACKSLASH = 0x5c
const TASK = Buffer.from('task')
const URI = Buffer.from('uri')
/** The bit by which small letters differ from capitals. */
const SMALL = 0x20

/**
 * Whether a member of this name may have to be read on its way: it says where the result points to (`uri`,
 * `resourceUri`) or what it began (`task`, `taskId`). Any name may be spelled in escapes.
 */
function tells(bytes: Buffer, start: number, end: number): boolean {
  if (isWord(TASK, bytes, start) || isWord(URI, bytes, end - URI.length)) return true
  for (let i = start; i < end; i++) if (bytes[i] === BACKSLASH) return true
  return false
}

function isWord(word: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (((bytes[at + i] ?? 0) | SMALL) !== word[i]) return false
  return true
}

/** An event of a stream and a message on a pipe are one line. */
function hasBreak(bytes: Buffer): boolean {
  return bytes.includes(0x0a) || bytes.includes(0x0d)
}

function parsed(bytes: Buffer, [start, end]: Span): Params | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    return isRecord(value) ? value : undefined
  } catch {
    // No JSON after all.
    return undefined
  }
}

/** A response whose result is parsed when somebody reads it. A copy of it is a response like any other. */
export class Unread extends Written {
  readonly jsonrpc = '2.0'
  readonly id: number
  declare readonly result: Params
  readonly [field: string]: unknown
  readonly #bytes: Buffer
  readonly #frame: Frame
  #result: Params | undefined

  constructor(bytes: Buffer, frame: Frame, result?: Params) {
    super()
    this.id = Number(bytes.toString('latin1', ...frame.id))
    this.#bytes = bytes
    this.#frame = frame
    this.#result = result
    // Of the object itself, so that copies have it.
    Object.defineProperty(this, 'result', { enumerable: true, get: () => this.#read() })
  }

  get isUnread(): boolean {
    return this.#result === undefined
  }

  get source(): Source {
    return { text: this.#bytes, frame: this.#frame }
  }

  under(id: Id): Framed {
    const bytes = this.#bytes
    const [start, end] = this.#frame.id
    const own = JSON.stringify(id)
    // What is left of the message between the id and its nearer end is short.
    if (start < this.#frame.result[0])
      return { head: `${bytes.toString('latin1', 0, start)}${own}`, bytes: bytes.subarray(end), tail: '' }
    return { head: '', bytes: bytes.subarray(0, start), tail: `${own}${bytes.toString('latin1', end, bytes.length)}` }
  }

  #read(): Params {
    this.#result ??= parsed(this.#bytes, this.#frame.result)
    if (this.#result) return this.#result
    throw new RpcFailure(INTERNAL_ERROR, 'The answer of the server is not JSON')
  }
}
