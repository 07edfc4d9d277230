import { isUtf8 } from 'node:buffer'
import type { Limits } from '../../config/profile.ts'
import { unreadCall } from '../mcp/arguments.ts'
import { isTooDeep } from '../mcp/depth.ts'
import { eraOf, isModern, versionHeader } from '../mcp/era.ts'
import { INVALID_REQUEST, PARSE_ERROR } from '../mcp/rpc.ts'
import { hasTwins } from '../mcp/twins.ts'
import { readBody, type Unread } from './body.ts'
import { checkBody, checkGet, checkPost, tooLarge, tooSlow } from './content.ts'
import { type Denial, deny, denyUnread, isDenial, refusal } from './denial.ts'
import type { LegacyEndpoint } from './legacy.ts'
import type { ModernEndpoint } from './modern.ts'
import type { Pulse } from './pulse.ts'
import type { SseEndpoint } from './sse.ts'
import type { Visit } from './visit.ts'

export interface EndpointOptions {
  readonly legacy: LegacyEndpoint
  readonly modern: ModernEndpoint
  readonly sse: SseEndpoint
  readonly pulse: Pulse
  /** Asked each time: a reload may change them. */
  readonly limits: () => Limits
  /** Whether the group has this server's address. */
  readonly isServed: (server: string | undefined) => boolean
}

/** Streamable HTTP on one address, `/mcp` or `/servers/NAME/mcp`: both eras on one URL, told apart request by request. */
export class Endpoint {
  readonly #options: EndpointOptions

  constructor(options: EndpointOptions) {
    this.#options = options
  }

  async post(visit: Visit): Promise<void> {
    if (this.#isRefused(visit, checkPost)) return
    const body = this.#parsed(visit, await this.#read(visit))
    if (!body) return
    const era = eraOf(body.value, versionHeader(visit.request))
    if (typeof era === 'object') return deny(visit.response, era)
    return this.#options[era].post(visit, body.value)
  }

  async get(visit: Visit): Promise<void> {
    const denial = checkEra(visit) ?? checkGet(visit.request) ?? this.#checkAddress(visit)
    if (denial) return deny(visit.response, denial)
    return this.#options.legacy.get(visit)
  }

  async delete(visit: Visit): Promise<void> {
    const denial = checkEra(visit) ?? this.#checkAddress(visit)
    if (denial) return deny(visit.response, denial)
    return this.#options.legacy.delete(visit)
  }

  /** HTTP+SSE: the stream that carries everything. */
  stream(visit: Visit): void {
    const denial = checkGet(visit.request) ?? this.#checkAddress(visit)
    if (denial) deny(visit.response, denial)
    else this.#options.sse.open(visit)
  }

  /** HTTP+SSE: one message; its answer comes on the stream, so nothing need be accepted here. */
  async message(visit: Visit): Promise<void> {
    if (this.#isRefused(visit, checkBody)) return
    const body = this.#parsed(visit, await this.#read(visit))
    if (body) return this.#options.sse.post(visit, body.value)
  }

  #isRefused(visit: Visit, check: typeof checkPost): boolean {
    const denial = check(visit.request, this.#options.limits().maxBody) ?? this.#checkAddress(visit)
    if (denial) denyUnread(visit, denial)
    return denial !== undefined
  }

  #read({ request }: Visit): Promise<Buffer | Unread> {
    const { limits, pulse } = this.#options
    return readBody(request, { limit: limits().maxBody, pulse })
  }

  /** The body of a POST, unless the request is refused for it. */
  #parsed(visit: Visit, bytes: Buffer | Unread): Parsed | undefined {
    if (bytes === 'gone') return undefined
    if (bytes === 'slow') return void denyUnread(visit, tooSlow)
    if (bytes === 'large') return void denyUnread(visit, tooLarge(this.#options.limits().maxBody))
    const body = parse(bytes)
    if (!isDenial(body)) return body
    deny(visit.response, body)
    return undefined
  }

  #checkAddress({ server }: Visit): Denial | undefined {
    return this.#options.isServed(server) ? undefined : refusal(404, 'Not Found: no such server in this group')
  }
}

/** Streams to GET and sessions to DELETE are of the legacy era only. */
function checkEra({ request }: Visit): Denial | undefined {
  const version = versionHeader(request)
  if (!isModern(version)) return undefined
  return refusal(405, `Method Not Allowed: ${version} has only POST`, { allow: 'POST' })
}

interface Parsed {
  readonly value: unknown
}

function parse(bytes: Buffer): Parsed | Denial {
  if (!isUtf8(bytes)) return { status: 400, code: PARSE_ERROR, message: 'Parse error: the body is not UTF-8' }
  const call = unreadCall(bytes)
  if (call) return { value: call }
  const text = bytes.toString()
  if (isTooDeep(text)) return { status: 400, code: PARSE_ERROR, message: 'Parse error: nested too deeply' }
  try {
    const value: unknown = JSON.parse(text)
    return hasTwins(text) ? twins : { value }
  } catch {
    // Its message would quote the body, which may hold secrets.
    return { status: 400, code: PARSE_ERROR, message: 'Parse error: Invalid JSON' }
  }
}

const twins: Denial = { status: 400, code: INVALID_REQUEST, message: 'Invalid Request: a member is named twice' }
