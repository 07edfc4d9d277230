import type { Span } from './frame.ts'
import type { Id, Params, RpcResponse } from './rpc.ts'
import type { Text } from './text.ts'
import { type Source, Written } from './written.ts'

/** What becomes of a result. */
export interface Change {
  /** What goes on of its text, in whole members: a place in the source. */
  readonly kept: Span
  /** Members behind them, as JSON text; empty where there are none. */
  readonly added: string
  /** The same for whoever reads the result. */
  readonly apply: (result: Params) => Params
}

/** A response whose result goes on in the text it came in, but for a member or two at its ends. */
export class Amended extends Written {
  readonly jsonrpc = '2.0'
  readonly id: Id
  declare readonly result: Params
  readonly [field: string]: unknown
  readonly #of: WrittenResult
  readonly #source: Source
  readonly #change: Change
  #result: Params | undefined

  constructor(of: WrittenResult, source: Source, change: Change) {
    super()
    this.id = of.id
    this.#of = of
    this.#source = source
    this.#change = change
    if (of.isUnread) this.#defer()
    else this.result = change.apply(of.result)
  }

  get isUnread(): boolean {
    return this.#of.isUnread
  }

  /** What was amended once is written anew when more has to be changed. */
  get source(): undefined {
    return undefined
  }

  under(id: Id): Text {
    const { text } = this.#source
    const { kept, added } = this.#change
    const [before, after] = around(this.#source, JSON.stringify(id))
    const head = `${before}{`
    const tail = `${added && `,${added}`}}${after}`
    if (typeof text === 'string') return `${head}${text.slice(...kept)}${tail}`
    return { head, bytes: text.subarray(...kept), tail }
  }

  /** Of the object itself, so that copies have it. */
  #defer(): void {
    Object.defineProperty(this, 'result', { enumerable: true, get: () => this.#read() })
  }

  #read(): Params {
    this.#result ??= this.#change.apply(this.#of.result)
    return this.#result
  }
}

export type WrittenResult = Written & Extract<RpcResponse, { readonly result: Params }>

/** What stands before and behind the result, with this id. */
function around({ text, frame }: Source, id: string): readonly [before: string, after: string] {
  const [start, end] = frame.result
  const [from, to] = frame.id
  if (from < start) return [`${slice(text, 0, from)}${id}${slice(text, to, start)}`, slice(text, end, text.length)]
  return [slice(text, 0, start), `${slice(text, end, from)}${id}${slice(text, to, text.length)}`]
}

/** Around a result there is nothing but ASCII. */
function slice(text: string | Buffer, start: number, end: number): string {
  return typeof text === 'string' ? text.slice(start, end) : text.toString('latin1', start, end)
}
