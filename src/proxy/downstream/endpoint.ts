import { isUtf8 } from 'node:buffer'
import { eraOf, versionHeader } from '../era.ts'
import { PARSE_ERROR } from '../rpc.ts'
import { checkGet, checkPost, readBody, tooLarge } from './content.ts'
import { type Denial, deny, isDenial, refusal } from './denial.ts'
import { isTooDeep } from './depth.ts'
import type { LegacyEndpoint } from './legacy.ts'
import type { ModernEndpoint } from './modern.ts'
import type { Visit } from './visit.ts'

export interface EndpointOptions {
  readonly legacy: LegacyEndpoint
  readonly modern: ModernEndpoint
  readonly maxBody: () => number
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
    const { request, response } = visit
    const maxBody = this.#options.maxBody()
    const denial = checkPost(request, maxBody) ?? this.#checkAddress(visit)
    if (denial) return deny(response, denial)
    const bytes = await readBody(request, maxBody)
    if (!bytes) return deny(response, tooLarge(maxBody))
    const body = parse(bytes)
    if (isDenial(body)) return deny(response, body)
    const era = eraOf(body.value, versionHeader(request))
    return this.#options[era].post(visit, body.value)
  }

  async get(visit: Visit): Promise<void> {
    const denial = checkGet(visit.request) ?? this.#checkAddress(visit)
    if (denial) return deny(visit.response, denial)
    return this.#options.legacy.get(visit)
  }

  async delete(visit: Visit): Promise<void> {
    const denial = this.#checkAddress(visit)
    if (denial) return deny(visit.response, denial)
    return this.#options.legacy.delete(visit)
  }

  #checkAddress({ server }: Visit): Denial | undefined {
    return this.#options.isServed(server) ? undefined : refusal(404, 'Not Found: no such server in this group')
  }
}

function parse(bytes: Buffer): { readonly value: unknown } | Denial {
  if (!isUtf8(bytes)) return { status: 400, code: PARSE_ERROR, message: 'Parse error: the body is not UTF-8' }
  if (isTooDeep(bytes)) return { status: 400, code: PARSE_ERROR, message: 'Parse error: nested too deeply' }
  try {
    return { value: JSON.parse(bytes.toString()) }
  } catch {
    // Its message would quote the body, which may hold secrets.
    return { status: 400, code: PARSE_ERROR, message: 'Parse error: Invalid JSON' }
  }
}
