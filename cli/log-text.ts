import type { LogRecord } from '../src/control/protocol.ts'
import type { Paint, Style } from './paint.ts'
import { oneLine } from './untrusted.ts'

const prefixStyles = ['cyan', 'magenta', 'blue', 'green', 'yellow'] as const satisfies readonly Style[]
const levelStyles: Partial<Record<LogRecord['level'], Style>> = { debug: 'dim', warn: 'yellow', error: 'red' }
const known = new Set(['time', 'level', 'msg', 'group', 'server', 'pid', 'hostname'])

/** `12:00:01 local-fast/thinking | proxy ready  port=7611` */
export function logLine(record: LogRecord, paint: Paint): string {
  const source = sourceOf(record)
  const clock = record.time.slice(11, 19)
  const style = levelStyles[record.level]
  const text = oneLine(textOf(record))
  return `${paint('dim', clock)} ${paint(styleOf(source), source)} | ${style ? paint(style, text) : text}\n`
}

/** The message and its fields; what a server wrote on its stderr as it wrote it. */
function textOf(record: LogRecord): string {
  if (record.msg === 'server stderr' && typeof record['line'] === 'string') return record['line']
  const rest = Object.entries(record).filter(([key]) => !known.has(key))
  const fields = rest.map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${record.msg}${fields.join('')}`
}

function sourceOf({ group, server }: LogRecord): string {
  if (group === undefined) return 'supervisor'
  return oneLine(server === undefined ? group : `${group}/${server}`)
}

/** The same source has the same colour in every run. */
function styleOf(source: string): Style {
  let sum = 0
  for (const char of source) sum += char.codePointAt(0) ?? 0
  return prefixStyles[sum % prefixStyles.length] ?? 'cyan'
}
