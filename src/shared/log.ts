import { redact } from './secret.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof levels)[number]

/** JSON values: what a record is made of. */
type Fields = Readonly<Record<string, unknown>>

/** Events, not prose: a short message in our words plus fields. Never a payload above debug, never a secret. */
export interface Log {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  /** The same log with fields on every record, e.g. `{ server: 'memory' }`. */
  with(fields: Fields): Log
}

export interface LogOptions {
  readonly level: LogLevel
  readonly fields?: Fields
  /** Takes one NDJSON line, newline included. */
  readonly write: (line: string) => void
  /** Values that must not appear in any line, asked anew each time: a reload brings new ones. */
  readonly secrets?: () => readonly string[]
}

/** NDJSON records `{"level":"info","time":"…", …, "msg":"…"}`, secrets replaced by value in the one place all pass. */
export function createLog(options: LogOptions): Log {
  const { level, fields = {}, write, secrets = () => [] } = options
  const least = levels.indexOf(level)
  const at =
    (level: LogLevel) =>
    (msg: string, more: Fields = {}): void => {
      if (levels.indexOf(level) < least) return
      const record = { level, time: new Date().toISOString(), ...fields, ...more, msg }
      write(redact(`${JSON.stringify(record)}\n`, secrets()))
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (more) => createLog({ ...options, fields: { ...fields, ...more } }),
  }
}
