import type { IncomingMessage } from 'node:http'
import { type Denial, refusal } from './denial.ts'

/** What a POST must say about its body and its answer before the body is read (Streamable HTTP, "Sending Messages"). */
export function checkPost(request: IncomingMessage, maxBody: number): Denial | undefined {
  const { accept } = request.headers
  if (accepts(accept, 'application/json') && accepts(accept, 'text/event-stream')) return checkBody(request, maxBody)
  return refusal(406, 'Not Acceptable: Client must accept both application/json and text/event-stream')
}

/** What a POST must say about its body where the answer comes another way. */
export function checkBody({ headers }: IncomingMessage, maxBody: number): Denial | undefined {
  if (!isJson(headers['content-type']))
    return refusal(415, 'Unsupported Media Type: Content-Type must be application/json')
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    return refusal(415, `Unsupported Media Type: Content-Encoding ${encoding} is not accepted`)
  if (Number(headers['content-length'] ?? 0) > maxBody) return tooLarge(maxBody)
  return undefined
}

/** What a GET must say: it is the stream for the server's own messages. */
export function checkGet({ headers }: IncomingMessage): Denial | undefined {
  if (accepts(headers.accept, 'text/event-stream')) return undefined
  return refusal(406, 'Not Acceptable: Client must accept text/event-stream')
}

/** Whether a client that takes both named streams first: it gets its answers as events, even where JSON would do. */
export function prefersStream({ headers }: IncomingMessage): boolean {
  return headers.accept?.trimStart().toLowerCase().startsWith('text/event-stream') === true
}

export function tooLarge(maxBody: number): Denial {
  return refusal(413, `Payload Too Large: a message may have ${maxBody} bytes`, { connection: 'close' })
}

export const tooSlow: Denial = refusal(408, 'Request Timeout: the body comes too slowly', { connection: 'close' })

/** Lenient: `* / *` and `application/*` count too, as curl and Postman send them; weights are not looked at. */
function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined) return false
  const accept = header.toLowerCase()
  return accept.includes(type) || accept.includes('*/*') || accept.includes(`${type.split('/')[0]}/*`)
}

function isJson(header: string | undefined): boolean {
  return header !== undefined && /^application\/json *(;|$)/i.test(header)
}
