import type { IncomingMessage, ServerResponse } from 'node:http'

const ALLOWED = {
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, accept, mcp-session-id, mcp-protocol-version, last-event-id',
  'access-control-allow-private-network': 'true',
  'access-control-max-age': '600',
}

/** For pages of an origin the guard let pass, which is a loopback one: exactly that origin, never a star. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers
  if (origin === undefined) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-expose-headers', 'mcp-session-id, mcp-protocol-version')
  response.setHeader('vary', 'origin')
}

export function preflight(response: ServerResponse): void {
  response.writeHead(204, ALLOWED).end()
}
