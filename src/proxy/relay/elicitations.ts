import { Recent } from '../../shared/recent.ts'
import { isError, isRecord, type RpcRequest, type RpcResponse } from '../mcp/rpc.ts'

const MOST = 10_000
/** A person who has not come back after an hour is not waited for. */
const LIFE = 60 * 60_000
/** The code of the legacy era for a call that has to be made again once the URLs in it were visited. */
const URL_ELICITATION_REQUIRED = -32042

interface Asked {
  readonly session: string
  readonly at: number
}

/** Whom a server has sent to a URL, so that its word that all is done there reaches that client and no other. */
export class Elicitations {
  readonly #asked = new Recent<Asked>(MOST)

  /** A server asks a session; `way` is how it came. */
  asked(way: string, session: string, { method, params }: RpcRequest): void {
    if (method === 'elicitation/create') this.#remember(way, session, params?.elicitationId)
  }

  /** A server answers a session that it has to visit URLs first (MCP: Elicitation, URL Elicitation Required). */
  answered(way: string, session: string, response: RpcResponse): void {
    if (!isError(response) || response.error.code !== URL_ELICITATION_REQUIRED) return
    const { data } = response.error
    const listed = isRecord(data) && Array.isArray(data.elicitations) ? data.elicitations : []
    for (const one of listed.filter(isRecord)) this.#remember(way, session, one.elicitationId)
  }

  /** The session that was asked this; undefined when nobody was, or too long ago. */
  sessionOf(way: string, elicitationId: unknown): string | undefined {
    const asked = this.#asked.get(JSON.stringify([way, elicitationId]))
    return asked && performance.now() - asked.at < LIFE ? asked.session : undefined
  }

  #remember(way: string, session: string, elicitationId: unknown): void {
    if (typeof elicitationId !== 'string') return
    this.#asked.set(JSON.stringify([way, elicitationId]), { session, at: performance.now() })
  }
}
