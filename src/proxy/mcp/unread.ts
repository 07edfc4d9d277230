import { isUtf8 } from 'node:buffer'
import { frameOf, MARGIN } from './frame.ts'
import { endOfObject } from './scan.ts'
import { hasBreak } from './text.ts'
import { resultIn, Written } from './written.ts'

/**
 * A plain response of one line as the bytes it came in, its result unread: strings and braces tell where it begins and
 * ends, so that the message has exactly the members `jsonrpc`, `id` and `result`, each once. What is in its strings and
 * between them is for the client to make sense of, as if nobody stood in between. Undefined when it is anything else.
 */
export function unreadIn(bytes: Buffer): Written | undefined {
  const { length } = bytes
  const frame = frameOf(
    bytes.toString('latin1', 0, MARGIN),
    bytes.toString('latin1', Math.max(length - MARGIN, 0), length),
    length,
  )
  if (!frame) return undefined
  const [start, end] = frame.result
  let isTelling = false
  const onName = (from: number, to: number): void => {
    isTelling ||= tells(bytes, from, to)
  }
  if (endOfObject(bytes, start, onName) !== end || !isUtf8(bytes) || hasBreak(bytes)) return undefined
  const source = { text: bytes, frame }
  if (!isTelling) return new Written({ ...source, result: undefined })
  const result = resultIn(source)
  return result && new Written({ ...source, result })
}

const BACKSLASH = 0x5c
const TASK = Buffer.from('task')
const URI = Buffer.from('uri')
/** The bit by which small letters differ from capitals. */
const SMALL = 0x20

/**
 * Whether a member of this name may have to be read on its way: it says where the result points to (`uri`,
 * `resourceUri`) or what it began (`task`, `taskId`). Any name may be spelled in escapes.
 */
function tells(bytes: Buffer, start: number, end: number): boolean {
  if (isWord(TASK, bytes, start) || isWord(URI, bytes, end - URI.length)) return true
  for (let i = start; i < end; i++) if (bytes[i] === BACKSLASH) return true
  return false
}

function isWord(word: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (((bytes[at + i] ?? 0) | SMALL) !== word[i]) return false
  return true
}
