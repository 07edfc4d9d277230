import { LinkFailure } from '../failure.ts'
import type { Head } from '../pool.ts'
import { socketFailure } from '../socket-failure.ts'
import type { NodeParser, NodeParserClass } from './node-parser.ts'

/** What comes on a connection; called synchronously, must not throw. */
export interface ResponseEvents {
  /** The first byte of a response, wanted or not. */
  began(): void
  /** Of the final response: what comes before it (1xx) says nothing. `isLast`: the connection ends with this one. */
  head(head: Head, isLast: boolean): void
  /** Bytes of their own, which stay. */
  body(bytes: Buffer): void
  complete(): void
}

/** Reads the responses of one connection, one after the other, however their bytes are split. */
export class ResponseParser {
  readonly #parser: NodeParser
  readonly #events: ResponseEvents
  /** Names and values in turn, as far as the current head has come. */
  #fields: string[] = []
  #isInterim = false
  #fault: LinkFailure | undefined

  constructor(Parser: NodeParserClass, events: ResponseEvents) {
    const parser = new Parser()
    // Zero: the limit on the size of heads that this Node was started with; and lenient in nothing.
    parser.initialize(Parser.RESPONSE, {}, 0, 0)
    parser[Parser.kOnMessageBegin] = () => events.began()
    parser[Parser.kOnHeaders] = (fields: readonly string[]) => {
      this.#fields.push(...fields)
    }
    parser[Parser.kOnHeadersComplete] = (...[, , fields, , , status, , isUpgrade, isKept]: HeadFacts) =>
      this.#head(fields ?? this.#fields, { status, isUpgrade, isKept })
    parser[Parser.kOnBody] = (bytes: Buffer) => events.body(bytes)
    parser[Parser.kOnMessageComplete] = () => this.#complete()
    this.#parser = parser
    this.#events = events
  }

  /** Throws LinkFailure when that is no HTTP, or more of it than anybody should send. */
  read(bytes: Buffer): void {
    const outcome = this.#parser.execute(bytes)
    if (outcome instanceof Error) throw socketFailure(outcome)
    if (this.#fault) throw this.#fault
  }

  /** The connection ended, which may be the end of a body. Throws LinkFailure when it is in the middle of a response. */
  end(): void {
    const outcome = this.#parser.finish()
    if (outcome instanceof Error) throw socketFailure(outcome)
  }

  /** To be called once, and never while it reads. */
  close(): void {
    this.#parser.close()
  }

  #head(fields: readonly string[], { status, isUpgrade, isKept }: HeadEnd): number {
    this.#fields = []
    if (isUpgrade) this.#fault = new LinkFailure('unreachable', 'the server switches to another protocol')
    this.#isInterim = status < 200
    if (this.#isInterim) return NO_BODY
    this.#events.head({ status, headers: headersOf(fields) }, !isKept)
    return READ_BODY
  }

  /** Of the fields that follow a body (trailers) none is of interest. */
  #complete(): void {
    this.#fields = []
    if (!this.#isInterim) this.#events.complete()
  }
}

/** Version, fields, method, URL, status, reason, whether the protocol changes, whether the connection is kept. */
type HeadFacts = [number, number, string[] | undefined, unknown, unknown, number, string, boolean, boolean]

interface HeadEnd {
  readonly status: number
  readonly isUpgrade: boolean
  readonly isKept: boolean
}

const READ_BODY = 0
const NO_BODY = 1

function headersOf(fields: readonly string[]): Head['headers'] {
  const headers: Record<string, string | string[]> = Object.create(null)
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] ?? '').toLowerCase()
    const value = fields[i + 1] ?? ''
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (typeof before === 'string') headers[name] = [before, value]
    else before.push(value)
  }
  return headers
}

const sample = 'HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: 1\r\n\r\n'

/** Whether a parser, which no documentation vouches for, still does what we rely on. */
export function isSound(Parser: NodeParserClass): boolean {
  const seen: unknown[] = []
  const parser = new ResponseParser(Parser, {
    began: () => seen.push('began'),
    head: ({ status, headers }, isLast) => seen.push(status, headers.a, isLast),
    body: (bytes) => seen.push(bytes),
    complete: () => seen.push('complete'),
  })
  const memory = Buffer.from(sample)
  try {
    parser.read(memory)
    // The next bytes are read into the same memory; a piece of a body stays what it is.
    memory.fill(0)
    return JSON.stringify(seen) === JSON.stringify(['began', 200, ['1', '2'], false, Buffer.from('ok'), 'complete'])
  } catch {
    // Whatever it does is not what we know.
    return false
  } finally {
    parser.close()
  }
}
