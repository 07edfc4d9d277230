import { createHash } from 'node:crypto'

/** What the narrowest of the usual hosts accepts for a tool's name. */
const LONGEST = 64
const HASH = 6

/**
 * The name a downstream sees: the whole of prefix and name, shortened to 64 characters with a hash of it at the end
 * where it would be longer. The way back is a map of the view; a name is never split.
 */
export function cutName(whole: string): string {
  if (whole.length <= LONGEST) return whole
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH)
  return `${whole.slice(0, LONGEST - HASH - 1)}_${hash}`
}

const MARKED = /^([a-zA-Z][a-zA-Z0-9+.-]*:(?:\/\/)?)mcpctl\.([^/]+)\/(.*)$/s

/**
 * The URI (or URI template) of `server` made distinct from an equal one of another server: the server's name goes
 * behind the scheme, which stays what it was (`ui://a/b` of `maps` becomes `ui://mcpctl.maps/a/b`).
 */
export function markUri(uri: string, server: string): string {
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:(?:\/\/)?/.exec(uri)?.[0]
  if (scheme === undefined) return `mcpctl:mcpctl.${encodeURIComponent(server)}/${uri}`
  return `${scheme}mcpctl.${encodeURIComponent(server)}/${uri.slice(scheme.length)}`
}

/** The server and its own URI behind a URI that `markUri` made; undefined for any other. */
export function unmarkUri(uri: string): { readonly server: string; readonly own: string } | undefined {
  const [, scheme, server, rest] = MARKED.exec(uri) ?? []
  if (scheme === undefined || server === undefined || rest === undefined) return undefined
  const name = decoded(server)
  if (name === undefined) return undefined
  return { server: name, own: scheme === 'mcpctl:' ? rest : scheme + rest }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not something markUri encoded, so not one of ours.
    return undefined
  }
}
