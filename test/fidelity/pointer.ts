import { isDeepStrictEqual } from 'node:util'

/** Where two JSON values first differ, and both values there: `/1/result/x: 1, not 2`; undefined when they do not. */
export function firstDifference(one: unknown, other: unknown, path = ''): string | undefined {
  if (isDeepStrictEqual(one, other)) return undefined
  if (!isBranch(one) || !isBranch(other) || Array.isArray(one) !== Array.isArray(other)) return told(one, other, path)
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = firstDifference(memberOf(one, key), memberOf(other, key), `${path}/${key}`)
    if (found !== undefined) return found
  }
  return told(one, other, path)
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Own members only: `__proto__` may be one. */
function memberOf(value: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

function told(one: unknown, other: unknown, path: string): string {
  return `${path}: ${JSON.stringify(one)?.slice(0, 300)}, not ${JSON.stringify(other)?.slice(0, 300)}`
}
