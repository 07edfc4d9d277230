import { encodeHeader, namedBy } from '../../src/proxy/mcp/mirror.ts'
import { type Message, messages, post } from './mcp.ts'

export const VERSION = '2026-07-28'

/** The `_meta` every request of the modern era carries. */
export function envelopeOf(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
    ...fields,
  }
}

type Params = Record<string, unknown>

/** A whole request, its envelope in it; what `params._meta` has goes over the envelope. */
export function requestOf(method: string, params: Params = {}, id: unknown = 1) {
  const meta = envelopeOf(params._meta as Params | undefined)
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }
}

/** The head that goes with a request's body. */
export function headOf({ method, params }: { readonly method: string; readonly params?: Params }) {
  const field = namedBy[method]
  const name = field && params?.[field]
  return {
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': encodeHeader(name) }),
  }
}

/** One request as a faultless modern client sends it; headers may be added or replaced. */
export function send(
  url: string,
  request: ReturnType<typeof requestOf>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return post(url, request, { ...headOf(request), ...headers })
}

/** The messages of the answer to one request, the response the last of them. */
export async function ask(url: string, method: string, params: Params = {}): Promise<Message> {
  const all = await messages(await send(url, requestOf(method, params)))
  return all.at(-1) ?? {}
}
