import type { Readable } from 'node:stream'
import type { Log } from '../../shared/log.ts'
import { LineLimit } from './line-limit.ts'

const RING_BYTES = 64 * 1024
const LINES_PER_SECOND = 200
const LONGEST_LINE = 4 * 1024

/**
 * Drains a server's stderr, always: a full pipe would block the server. The newest 64 KiB are kept; at most 200 lines a
 * second are logged, the rest is counted.
 */
export class Stderr {
  readonly #log: Log
  readonly #limit: LineLimit
  #tail = ''
  #rest = ''

  constructor(stream: Readable, log: Log, limit: LineLimit = new LineLimit(LINES_PER_SECOND)) {
    this.#log = log
    this.#limit = limit
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.#take(text))
    // The process's exit tells all there is to know about a broken pipe.
    stream.on('error', () => {})
  }

  /** The newest output, for the report of a crash. */
  get tail(): string {
    return this.#tail
  }

  #take(text: string): void {
    this.#tail = (this.#tail + text.slice(-RING_BYTES)).slice(-RING_BYTES)
    const lines = (this.#rest + text).split('\n')
    this.#rest = (lines.pop() ?? '').slice(-LONGEST_LINE)
    for (const line of lines) this.#line(line.trimEnd())
  }

  #line(line: string): void {
    if (line === '') return
    const resumed = (lines: number): void => this.#log.warn(`${lines} lines of stderr suppressed`, { lines })
    if (this.#limit.admits(resumed)) this.#log.info('server stderr', { line: line.slice(0, LONGEST_LINE) })
  }
}
