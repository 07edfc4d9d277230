import type { Difference } from './difference.ts'
import type { Paint } from './paint.ts'

/** `- groups.lan.port: 7613` and `+ groups.lan.port: 7623`, for every leaf that differs. */
export function describeDifferences(found: readonly Difference[], paint: Paint): string {
  if (found.length === 0) return 'no differences\n'
  return found.map((difference) => describeDifference(difference, paint)).join('')
}

function describeDifference({ path, from, to }: Difference, paint: Paint): string {
  const before = from === undefined ? '' : `${paint('red', `- ${path}: ${JSON.stringify(from)}`)}\n`
  const after = to === undefined ? '' : `${paint('green', `+ ${path}: ${JSON.stringify(to)}`)}\n`
  return before + after
}
