import { durationOf } from '../src/config/units.ts'
import { McpctlError } from '../src/shared/errors.ts'
import { isRecord } from '../src/shared/record.ts'

/** `500ms`, `60s`, `1m30s` in milliseconds; a bare number has no unit and is refused. */
export function duration(text: string): number {
  const ms = durationOf(text)
  if (ms !== undefined) return ms
  throw new McpctlError('usage', `"${text}" is not a duration`, { hint: 'write it like 500ms, 60s or 1m30s' })
}

/** A whole number from zero up. */
export function count(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new McpctlError('usage', `"${text}" is not a whole number`)
}

/** A JSON object, e.g. the value of `--args`. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> {
  const value = json(text)
  if (isRecord(value)) return value
  throw new McpctlError('usage', `${text} is not a JSON object`, { hint: 'e.g. \'{"city": "Oslo"}\'' })
}

/** `k=v` is a string, `k:=json` any JSON value; together they are a tool's arguments. */
export function keyValues(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(pairs.map(keyValue))
}

function keyValue(pair: string): [string, unknown] {
  const [, key, sign, text = ''] = /^([^=]+?)(:?=)([\s\S]*)$/.exec(pair) ?? []
  if (!key) throw new McpctlError('usage', `"${pair}" is not an argument`, { hint: 'write k=text or k:=json' })
  return [key, sign === ':=' ? json(text) : text]
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new McpctlError('usage', `${text} is not JSON`, { hint: 'write k=text for a plain string', cause })
  }
}
