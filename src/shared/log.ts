import pino from 'pino'
import { redact } from './secret.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

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

/** NDJSON records `{"level":"info","time":"…","msg":"…", …}`, secrets replaced by value in the one place all pass. */
export function createLog(options: LogOptions): Log {
  const secrets = options.secrets ?? (() => [])
  const logger = pino(
    {
      level: options.level,
      base: options.fields ?? {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => options.write(redact(line, secrets())) },
  )
  return wrap(logger)
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => wrap(logger.child(fields)),
  }
}
