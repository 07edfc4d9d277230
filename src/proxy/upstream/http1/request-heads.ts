import { byteLength, type Text } from '../../mcp/text.ts'
import { LinkFailure } from '../failure.ts'
import type { Headers } from '../headers.ts'
import type { HttpRequest } from '../pool.ts'

/** A request up to its body. Characters above ASCII are one byte each on the wire (latin1). */
export interface RequestHead {
  readonly text: string
  readonly isAscii: boolean
  /** In bytes. */
  readonly bodyLength: number
}

interface Remembered extends Omit<RequestHead, 'bodyLength'> {
  readonly method: string
  readonly path: string
}

/** Writes the heads of requests to one origin; what most requests have in common is written once. */
export class RequestHeads {
  readonly #host: string
  readonly #remembered = new WeakMap<Headers, Remembered>()

  /** `host` is what the URL says, with its port. */
  constructor(host: string) {
    this.#host = host
  }

  /** Throws LinkFailure when a header cannot be sent. */
  of(request: HttpRequest): RequestHead {
    const { more, body } = request
    if (more && overlaps(more, request.headers)) {
      const merged = { ...request, headers: { ...request.headers, ...more }, more: undefined }
      return finish(this.#begin(merged), undefined, body)
    }
    return finish(this.#begin(request), more, body)
  }

  #begin({ method, path, headers }: HttpRequest): Remembered {
    const known = this.#remembered.get(headers)
    if (known && known.path === path && known.method === method) return known
    const text = `${method} ${path} HTTP/1.1\r\n${headers.host === undefined ? `host: ${this.#host}\r\n` : ''}`
    const fresh = {
      method,
      path,
      text: `${text}connection: keep-alive\r\n${lines(headers)}`,
      isAscii: isAscii(headers),
    }
    this.#remembered.set(headers, fresh)
    return fresh
  }
}

function finish(begun: Remembered, more: Headers | undefined, body: Text | undefined): RequestHead {
  const rest = more ? lines(more) : ''
  const bodyLength = body === undefined ? 0 : byteLength(body)
  const length = body === undefined ? '' : `content-length: ${bodyLength}\r\n`
  return { text: `${begun.text}${rest}${length}\r\n`, isAscii: begun.isAscii && (!more || isAscii(more)), bodyLength }
}

function overlaps(more: Headers, headers: Headers): boolean {
  for (const name in more) if (headers[name] !== undefined) return true
  return false
}

function lines(headers: Headers): string {
  let text = ''
  for (const name in headers) {
    const value = headers[name] ?? ''
    if (!token.test(name) || !sendable.test(value) || framing.has(name.toLowerCase())) throw unsendable(name)
    text += `${name}: ${value}\r\n`
  }
  return text
}

function isAscii(headers: Headers): boolean {
  for (const name in headers) if (!ascii.test(headers[name] ?? '')) return false
  return true
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** No line breaks, which would end the header and begin another one. */
const sendable = /^[\t\x20-\x7e\x80-\xff]*$/
const ascii = /^[\t\x20-\x7e]*$/
/** What says where a message ends is for the client alone to say. */
const framing = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'te', 'transfer-encoding', 'upgrade'])

function unsendable(name: string): LinkFailure {
  const shown = token.test(name) ? `the header "${name}"` : 'a header'
  return new LinkFailure('hopeless', `${shown} cannot be sent`, { hint: 'mend "headers"' })
}
