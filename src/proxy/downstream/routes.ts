/** What is done for a visit. */
export type Act = 'post' | 'get' | 'delete' | 'stream' | 'message' | 'live' | 'ready' | 'metadata'

export interface HttpRoute {
  /** `:server` stands for the name of a server. */
  readonly path: string
  /** Needs no token; says nothing that is not everybody's to know. */
  readonly isPublic: boolean
  readonly methods: Readonly<Record<string, Act>>
}

const mcp = { POST: 'post', GET: 'get', DELETE: 'delete' } as const

/** Every path there is, on one screen. */
export const routes: readonly HttpRoute[] = [
  { path: '/mcp', isPublic: false, methods: mcp },
  { path: '/servers/:server/mcp', isPublic: false, methods: mcp },
  { path: '/sse', isPublic: false, methods: { GET: 'stream' } },
  { path: '/servers/:server/sse', isPublic: false, methods: { GET: 'stream' } },
  { path: '/messages', isPublic: false, methods: { POST: 'message' } },
  { path: '/servers/:server/messages', isPublic: false, methods: { POST: 'message' } },
  { path: '/livez', isPublic: true, methods: { GET: 'live' } },
  { path: '/readyz', isPublic: true, methods: { GET: 'ready' } },
  { path: '/.well-known/oauth-protected-resource', isPublic: true, methods: { GET: 'metadata' } },
  { path: '/.well-known/oauth-protected-resource/mcp', isPublic: true, methods: { GET: 'metadata' } },
  { path: '/.well-known/oauth-protected-resource/servers/:server/mcp', isPublic: true, methods: { GET: 'metadata' } },
]

export interface Found {
  readonly route: HttpRoute | undefined
  readonly server: string | undefined
}

/** What was found last is found at once, since most requests come for the same. */
export function finder(): (url: string) => Found {
  const patterns = routes.map((route) => ({ route, pattern: patternOf(route) }))
  let last: (Found & { readonly url: string }) | undefined
  return (url) => {
    if (last?.url !== url) last = { ...find(patterns, pathOf(url)), url }
    return last
  }
}

interface Pattern {
  readonly route: HttpRoute
  readonly pattern: RegExp
}

function patternOf({ path }: HttpRoute): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(':server', '(?<server>[^/]+)')}$`)
}

function find(patterns: readonly Pattern[], path: string): Found {
  for (const { route, pattern } of patterns) {
    const match = pattern.exec(path)
    if (match) return { route, server: decode(match.groups?.server) }
  }
  return { route: undefined, server: undefined }
}

/** Without its query, and without the host that an absolute target names. */
function pathOf(url: string): string {
  const path = url.replace(/^https?:\/\/[^/?]*/i, '')
  const query = path.indexOf('?')
  return query === -1 ? path : path.slice(0, query)
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
