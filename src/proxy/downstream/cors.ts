import type { IncomingMessage, ServerResponse } from 'node:http'

const HEADERS = [
  ...['authorization', 'content-type', 'accept', 'last-event-id'],
  ...['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name'],
]
/** Headers that mirror a tool's parameters have names of the tool's own. */
const PARAMETER = /^mcp-param-[\w-]+$/
/** What else of a refusal a page must read: where to get a token, and when to come back. */
const EXPOSED = 'mcp-session-id, mcp-protocol-version, www-authenticate, retry-after'
const ALLOWED = {
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-private-network': 'true',
  'access-control-max-age': '600',
}

/** For pages of an origin the guard let pass: exactly that origin, never a star. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers
  if (origin === undefined) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-expose-headers', EXPOSED)
  response.setHeader('vary', 'origin')
}

export function preflight(request: IncomingMessage, response: ServerResponse): void {
  const asked = String(request.headers['access-control-request-headers'] ?? '').toLowerCase()
  const parameters = asked.split(',').map((name) => name.trim())
  const allowed = [...HEADERS, ...parameters.filter((name) => PARAMETER.test(name))]
  response.writeHead(204, { ...ALLOWED, 'access-control-allow-headers': allowed.join(', ') }).end()
}
