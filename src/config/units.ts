import bytes from 'bytes'
import parseDuration from 'parse-duration'

/** The libraries read more than we want to promise (`5`, `1 week`), so what they are given is checked first. */
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/
const SIZE = /^\d+(?:\.\d+)?(?:B|[KMG]i?B)$/

/** The longest a timer of Node can wait. */
const LONGEST = 2 ** 31 - 1

/** Milliseconds of `5s`, `1m30s`, `500ms`; undefined when it is no duration, or longer than a timer can wait. */
export function durationOf(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  const ms = parseDuration(text)
  return ms === null || ms > LONGEST ? undefined : Math.round(ms)
}

/** Bytes of `4MiB`, `512KB` (both in steps of 1024); undefined when it is no size. */
export function sizeOf(text: string): number | undefined {
  if (!SIZE.test(text)) return undefined
  const size = bytes(text.replace('i', ''))
  return size === null || size > Number.MAX_SAFE_INTEGER ? undefined : Math.round(size)
}
