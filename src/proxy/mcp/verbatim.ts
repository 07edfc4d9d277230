import { frameOf, MARGIN } from './frame.ts'
import type { Id, RpcResponse } from './rpc.ts'
import { hasBreak, type Text } from './text.ts'
import { unreadIn } from './unread.ts'
import { resultIn, Written } from './written.ts'

/** From so many bytes on an answer goes on as the bytes it came in; below, text costs less. */
const LARGE = 4096

/**
 * What a JSON text stands for; a plain result keeps its text, so that it can go on under another id without being
 * written anew. Throws SyntaxError.
 *
 * Why that is safe: what stands around the result is matched to the letter, and what is left is parsed by itself. If it
 * parses, it is one JSON value and nothing more, so the message has exactly the members `jsonrpc`, `id` and `result`,
 * each once, and the digits matched are those of its only id. Whatever else the text may be (a second `id` behind the
 * result, spaces, escapes in names) either does not match or leaves no value: it is parsed as a whole, and written anew.
 */
export function parseMessage(text: string): unknown {
  const line = text.slice(
    0,
    lengthOfLine(text.length, (at) => text.charCodeAt(at)),
  )
  // An event of a stream has but one line.
  const frame = hasBreak(line) ? undefined : frameOf(line.slice(0, MARGIN), line.slice(-MARGIN), line.length)
  const result = frame && resultIn({ text: line, frame })
  return frame && result ? new Written({ text: line, frame, result }) : JSON.parse(text)
}

/** The same of bytes: a large result is not even parsed unless somebody needs to know what is in it. */
export function readMessage(bytes: Buffer): unknown {
  const line =
    bytes.length < LARGE
      ? undefined
      : bytes.subarray(
          0,
          lengthOfLine(bytes.length, (at) => bytes[at]),
        )
  return (line && unreadIn(line)) ?? parseMessage(bytes.toString())
}

/** The text of a response with this id; all else is as it came. */
export function withId(response: RpcResponse, id: Id): Text {
  return response instanceof Written ? response.under(id) : JSON.stringify({ ...response, id })
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Some libraries end a message with a line break, wherever it goes. */
function lengthOfLine(length: number, at: (index: number) => number | undefined): number {
  let end = length
  for (let last = at(end - 1); last === LINE_FEED || last === CARRIAGE_RETURN; last = at(end - 1)) end--
  return end
}
