import { createRequire } from 'node:module'

/** Called by the parser with what it found; which facts depends on the slot. */
type Callback = (...facts: never[]) => unknown

/** Node's own HTTP parser (llhttp), the one behind node:http. One instance reads one connection. */
export interface NodeParser {
  [slot: number]: Callback
  initialize(type: number, resource: object, maxHeaderSize: number, leniency: number): void
  /** The number of bytes read, or an Error with an `HPE_…` code; throws what a callback throws. */
  execute(bytes: Buffer): unknown
  /** Tells it that the connection has ended; an Error if that is in the middle of a message. */
  finish(): unknown
  /** Frees its memory; not from within a callback. */
  close(): void
}

export interface NodeParserClass {
  new (): NodeParser
  readonly RESPONSE: number
  readonly kOnMessageBegin: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

const facts = ['RESPONSE', 'kOnMessageBegin', 'kOnHeaders', 'kOnHeadersComplete', 'kOnBody', 'kOnMessageComplete']

/** Undefined where this Node keeps its parser to itself: it is no documented part of Node. */
export function findParser(): NodeParserClass | undefined {
  try {
    const { HTTPParser } = createRequire(import.meta.filename)('_http_common')
    return isParserClass(HTTPParser) ? HTTPParser : undefined
  } catch {
    // No such module, or not for us: there is another client for that.
    return undefined
  }
}

function isParserClass(value: unknown): value is NodeParserClass {
  return typeof value === 'function' && facts.every((fact) => typeof Reflect.get(value, fact) === 'number')
}
