import type { Difference } from './difference.ts'
import type { Paint } from './paint.ts'

/** `- groups.lan.port: 7613` and `+ groups.lan.port: 7623`, for every leaf that differs. */
export function describeDifferences(found: readonly Difference[], paint: Paint): string {
  if (found.length === 0) return 'no differences\n'
  return found.map((difference) => describeDifference(difference, paint)).join('')
}

function describeDifference({ path, from, to }: Difference, paint: Paint): string {
  const before = from === undefined ? '' : `${paint('red', `- ${path}${valueText(from)}`)}\n`
  const after = to === undefined ? '' : `${paint('green', `+ ${path}${valueText(to)}`)}\n`
  return before + after
}

/** A whole server or group is named, not spelled out. */
function valueText(value: unknown): string {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isMap ? '' : `: ${JSON.stringify(value)}`
}
