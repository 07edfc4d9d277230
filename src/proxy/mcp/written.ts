import type { Frame, Span } from './frame.ts'
import { type Id, INTERNAL_ERROR, isRecord, type Params, RpcFailure, type RpcMessage } from './rpc.ts'
import type { Text } from './text.ts'

/** The text of a response of one line, in characters or bytes, and where in it the id and the result stand. */
export interface Source {
  readonly text: string | Buffer
  readonly frame: Frame
}

/** What becomes of a result. */
export interface Change {
  /** What goes on of its text, in whole members: a place in the source. */
  readonly kept: Span
  /** Members behind them, as JSON text; empty where there are none. */
  readonly added: string
  /** The same for whoever reads the result. */
  readonly apply: (result: Params) => Params
}

export interface WrittenOptions extends Source {
  /** Undefined where nobody on its way needs to know it: then it is parsed when somebody reads it. */
  readonly result: Params | undefined
  readonly change?: Change
}

/**
 * A plain response that goes on in the text it came in, under another id, its result as it is or but for a member or two
 * at its ends. A copy of it, with anything changed, is a response like any other.
 */
export class Written implements Source {
  /** Of each object itself, so that copies have it; one function for all, so that they are of one shape. */
  static readonly #deferred = {
    enumerable: true,
    get(this: Written): Params {
      return this.#read()
    },
  }

  readonly jsonrpc = '2.0'
  readonly id: number
  declare readonly result: Params
  readonly [field: string]: unknown
  readonly #text: string | Buffer
  readonly #frame: Frame
  readonly #change: Change | undefined
  #result: Params | undefined

  constructor({ text, frame, result, change }: WrittenOptions) {
    this.id = Number(slice(text, ...frame.id))
    this.#text = text
    this.#frame = frame
    this.#change = change
    this.#result = result
    if (result) this.result = result
    else Object.defineProperty(this, 'result', Written.#deferred)
  }

  #read(): Params {
    this.#result ??= this.#parsed()
    return this.#result
  }

  #parsed(): Params {
    const result = resultIn(this)
    if (!result) throw new RpcFailure(INTERNAL_ERROR, 'The answer of the server is not JSON')
    return this.#change ? this.#change.apply(result) : result
  }

  get text(): string | Buffer {
    return this.#text
  }

  get frame(): Frame {
    return this.#frame
  }

  get isUnread(): boolean {
    return this.#result === undefined
  }

  /** What was amended once has to be written anew when more is to be changed. */
  get isAmended(): boolean {
    return this.#change !== undefined
  }

  amended(change: Change): Written {
    const result = this.#result && change.apply(this.#result)
    return new Written({ text: this.#text, frame: this.#frame, result, change })
  }

  under(id: Id): Text {
    const text = this.#text
    const change = this.#change
    const [start, end] = change ? change.kept : longer(this.#frame, text.length)
    const [from, to] = change ? innerOf(this) : [start, end]
    const own = JSON.stringify(id)
    const head = this.#renamed(own, 0, from)
    const added = change?.added ? `,${change.added}` : ''
    const tail = `${added}${this.#renamed(own, to, text.length)}`
    if (typeof text === 'string') return `${head}${text.slice(start, end)}${tail}`
    return { head, bytes: text.subarray(start, end), tail }
  }

  /** What stands there, with this in place of the id. */
  #renamed(own: string, from: number, to: number): string {
    const text = this.#text
    const [start, end] = this.#frame.id
    if (start < from || end > to) return slice(text, from, to)
    return `${slice(text, from, start)}${own}${slice(text, end, to)}`
  }
}

/** Whether a message is a response with nothing in its result that anybody on its way needs to know. */
export function isUnread(message: RpcMessage): boolean {
  return message instanceof Written && message.isUnread
}

/** What stands between the braces of the result. */
export function innerOf({ frame: { result } }: Source): Span {
  return [result[0] + 1, result[1] - 1]
}

/** Undefined when it is no JSON: more than one value, or none. */
export function resultIn({ text, frame: { result } }: Source): Params | undefined {
  const [start, end] = result
  try {
    const value: unknown = JSON.parse(
      typeof text === 'string' ? text.slice(start, end) : text.toString('utf8', start, end),
    )
    return isRecord(value) ? value : undefined
  } catch {
    // It is for the caller to say what that means.
    return undefined
  }
}

/** The side of the id on which the result stands. */
function longer({ id, result }: Frame, length: number): Span {
  return id[0] < result[0] ? [id[1], length] : [0, id[0]]
}

/** Of what is ASCII when it is bytes, as all is around a result. */
function slice(text: string | Buffer, start: number, end: number): string {
  if (start === end) return ''
  return typeof text === 'string' ? text.slice(start, end) : text.toString('latin1', start, end)
}
