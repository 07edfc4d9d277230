import type { IncomingMessage, ServerResponse } from 'node:http'
import { INTERNAL_ERROR } from '../mcp/rpc.ts'
import { allowOrigin, preflight } from './cors.ts'
import { deny, refusal } from './denial.ts'
import type { Endpoint } from './endpoint.ts'
import type { Guard } from './guard.ts'
import type { Visit } from './visit.ts'

export interface RoutesOptions {
  /** Asked each time: a reload brings a new one. */
  readonly guard: () => Guard
  readonly endpoint: Endpoint
  readonly isReady: () => boolean
}

interface HttpRoute {
  readonly path: RegExp
  /** Needs no token; says a status word and nothing else. */
  readonly isPublic: boolean
  readonly methods: Readonly<Record<string, (visit: Visit) => Promise<void> | void>>
}

/** Every path there is, on one screen. The group `server` in a path is the name of the server. */
function httpRoutes({ endpoint, isReady }: Pick<RoutesOptions, 'endpoint' | 'isReady'>): readonly HttpRoute[] {
  const mcp = {
    POST: (visit: Visit) => endpoint.post(visit),
    GET: (visit: Visit) => endpoint.get(visit),
    DELETE: (visit: Visit) => endpoint.delete(visit),
  }
  const stream = { GET: (visit: Visit) => endpoint.stream(visit) }
  const message = { POST: (visit: Visit) => endpoint.message(visit) }
  return [
    { path: /^\/mcp$/, isPublic: false, methods: mcp },
    { path: /^\/servers\/(?<server>[^/]+)\/mcp$/, isPublic: false, methods: mcp },
    { path: /^(?:\/servers\/(?<server>[^/]+))?\/sse$/, isPublic: false, methods: stream },
    { path: /^(?:\/servers\/(?<server>[^/]+))?\/messages$/, isPublic: false, methods: message },
    { path: /^\/livez$/, isPublic: true, methods: { GET: (visit) => word(visit, true) } },
    { path: /^\/readyz$/, isPublic: true, methods: { GET: (visit) => word(visit, isReady()) } },
  ]
}

/** The one way in: guard, path, method, in this order for every route there is. */
export function serveRoutes(options: RoutesOptions, failed: (error: unknown) => void) {
  const find = remembering(httpRoutes(options))
  return (request: IncomingMessage, response: ServerResponse): Promise<void> | void => {
    const { route, server } = find(request.url ?? '')
    // A browser's preflight cannot carry a token, and its answer says nothing that is not public.
    const isPublic = route?.isPublic === true || (route !== undefined && request.method === 'OPTIONS')
    const denial = options.guard().check(request, { isPublic })
    if (denial) return deny(response, denial)
    allowOrigin(request, response)
    const broke = (error: unknown): void => {
      failed(error)
      deny(response, { status: 500, code: INTERNAL_ERROR, message: 'Internal error' })
    }
    try {
      return act(route, { request, response, server })?.catch(broke)
    } catch (error) {
      broke(error)
    }
  }
}

function act(route: HttpRoute | undefined, visit: Visit): Promise<void> | void {
  const { request, response } = visit
  if (!route) return deny(response, refusal(404, 'Not Found'))
  if (request.method === 'OPTIONS') return preflight(request, response)
  const method = request.method ?? ''
  if (Object.hasOwn(route.methods, method)) return route.methods[method]?.(visit)
  return deny(response, refusal(405, 'Method Not Allowed', { allow: Object.keys(route.methods).join(', ') }))
}

interface Found {
  readonly route: HttpRoute | undefined
  readonly server: string | undefined
}

/** What was found last is found at once, since most requests come for the same. */
function remembering(routes: readonly HttpRoute[]): (url: string) => Found {
  let last: (Found & { readonly url: string }) | undefined
  return (url) => {
    if (last?.url !== url) last = { ...find(routes, url), url }
    return last
  }
}

function find(routes: readonly HttpRoute[], url: string): Found {
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  for (const route of routes) {
    const match = route.path.exec(path)
    if (match) return { route, server: decode(match.groups?.server) }
  }
  return { route: undefined, server: undefined }
}

/** A name that cannot be decoded is nobody's. */
function decode(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  try {
    return decodeURIComponent(name)
  } catch {
    // Malformed percent-encoding: the name as it stands matches no server.
    return name
  }
}

function word({ response }: Visit, isGood: boolean): void {
  response.writeHead(isGood ? 200 : 503, { 'content-type': 'text/plain' }).end(isGood ? 'ok\n' : 'unavailable\n')
}
