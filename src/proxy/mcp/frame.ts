/** Where in a response the id and the result stand, in characters or bytes: around them there is nothing but ASCII. */
export interface Frame {
  readonly id: Span
  readonly result: Span
}

export type Span = readonly [start: number, end: number]

/** More than can stand before or behind a result. */
export const MARGIN = 64

/** The id before the result, or behind it: as the libraries write it that most servers are made with. */
const early = /^\{"jsonrpc":"2\.0","id":(0|[1-9]\d{0,14}),"result":(?=\{)/
const late = /^(,"jsonrpc":"2\.0","id":|,"id":)(0|[1-9]\d{0,14})(|,"jsonrpc":"2\.0")\}$/
const EARLY_ID = '{"jsonrpc":"2.0","id":'.length
const RESULT = '{"result":'

/**
 * Matches, to the letter, what stands around the result of a message of that length; `head` and `tail` are its first and
 * last characters, as many as MARGIN. What stands between is for the caller to look at.
 */
export function frameOf(head: string, tail: string, length: number): Frame | undefined {
  const before = early.exec(head)
  if (before?.[1] && tail.endsWith('}'))
    return { id: [EARLY_ID, EARLY_ID + before[1].length], result: [before[0].length, length - 1] }
  if (!head.startsWith(`${RESULT}{`)) return undefined
  const behind = tail.lastIndexOf('}', tail.length - 2) + 1
  const [, lead = '', id = '', trail = ''] = late.exec(tail.slice(behind)) ?? []
  // The version stands on one side of the id, not on both.
  if (id === '' || lead.includes('jsonrpc') === trail.includes('jsonrpc')) return undefined
  const end = length - tail.length + behind
  return { id: [end + lead.length, end + lead.length + id.length], result: [RESULT.length, end] }
}
