import type { LogQuery } from '../control/client.ts'
import type { LogRecord } from '../control/protocol.ts'
import { messageOf } from '../shared/errors.ts'
import { createLog, type Log } from '../shared/log.ts'
import { redact } from '../shared/secret.ts'
import { Feed } from './feed.ts'
import { LogFile } from './log-file.ts'

/** Kept in memory for `mcpctl logs`. */
const REMEMBERED = 2_000
const DEFAULT_TAIL = 100
/** A token that is renewed every hour must not make each line dearer for ever. */
const MOST_HIDDEN = 200

/** All records of a project: the supervisor's own and what its proxies print, in memory, on disk and to followers. */
export class Logs implements Disposable {
  /** The supervisor's own. */
  readonly log: Log
  readonly #file: LogFile
  readonly #feed = new Feed<LogRecord>({ limit: REMEMBERED })
  readonly #records: LogRecord[] = []
  #secrets: readonly string[] = []
  #isFailing = false
  #isOver = false

  constructor(folder: string) {
    this.#file = new LogFile(folder)
    this.log = createLog({ level: 'info', write: (line) => this.#take(line), secrets: () => this.#secrets })
  }

  /** Values that appear in no record from now on. Those of before stay hidden: servers that are leaving know them. */
  hide(secrets: readonly string[]): void {
    this.#secrets = [...new Set([...secrets, ...this.#secrets])].slice(0, Math.max(MOST_HIDDEN, secrets.length))
  }

  /** The text without any of the values to hide. */
  clean(text: string): string {
    return redact(text, this.#secrets)
  }

  /** One line a proxy printed: a record of its log, or whatever a crashing process says. */
  line(group: string, line: string): void {
    const record = recordOf(line) ?? { time: new Date().toISOString(), level: 'error', msg: line }
    this.#take(this.clean(`${JSON.stringify({ ...record, group })}\n`))
  }

  /** Oldest first: the last `tail` records that fit, and with `follow` all that come. */
  async *read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogRecord> {
    const fits = (record: LogRecord) => isAskedFor(record, query)
    const past = () => this.#records.filter(fits).slice(-(query.tail ?? DEFAULT_TAIL) || this.#records.length)
    if (!query.follow) return yield* past()
    for await (const record of this.#feed.read(past, signal)) if (fits(record)) yield record
  }

  /** Writes to the folder as it is now. */
  reopen(): void {
    this.#file.reopen()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#feed.end()
    this.#file[Symbol.dispose]()
  }

  #take(line: string): void {
    const record = recordOf(line)
    if (!record || this.#isOver) return
    this.#records.push(record)
    if (this.#records.length > REMEMBERED) this.#records.shift()
    this.#feed.publish(record)
    this.#store(line)
  }

  /** A disk that takes nothing must not stop what runs: it is said once, and tried again with each record. */
  #store(line: string): void {
    try {
      this.#file.append(line)
      this.#isFailing = false
    } catch (error) {
      if (this.#isFailing) return
      this.#isFailing = true
      this.log.warn('log file cannot be written', { error: messageOf(error) })
    }
  }
}

function isAskedFor(record: LogRecord, { group, server }: LogQuery): boolean {
  return (group === undefined || record.group === group) && (server === undefined || record.server === server)
}

const levels = new Set(['debug', 'info', 'warn', 'error'])

function recordOf(line: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    // Not JSON: the caller knows what to do with plain text.
    return undefined
  }
}

function isRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false
  const { time, level, msg } = value as Partial<LogRecord>
  return typeof time === 'string' && typeof msg === 'string' && levels.has(String(level))
}
