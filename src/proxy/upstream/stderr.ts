import type { Readable } from 'node:stream'
import type { Log } from '../../shared/log.ts'

const RING_BYTES = 64 * 1024
const LINES_PER_SECOND = 200
const LONGEST_LINE = 4 * 1024

/**
 * Drains a server's stderr, always: a full pipe would block the server. The newest 64 KiB are kept; at most 200 lines a
 * second are logged, the rest is counted.
 */
export class Stderr {
  readonly #log: Log
  readonly #now: () => number
  #tail = ''
  #rest = ''
  #window = 0
  #lines = 0
  #dropped = 0

  constructor(stream: Readable, log: Log, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
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
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#window) this.#turn(second)
    this.#lines++
    if (this.#lines > LINES_PER_SECOND) {
      this.#dropped++
      return
    }
    this.#log.info('server stderr', { line: line.slice(0, LONGEST_LINE) })
  }

  #turn(second: number): void {
    if (this.#dropped > 0) this.#log.warn('server stderr lines not logged', { lines: this.#dropped })
    this.#window = second
    this.#lines = 0
    this.#dropped = 0
  }
}
