import { isIP } from 'node:net'
import type { JwtAuth } from '../../config/profile.ts'
import type { Arrival } from './gate.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** What an address is called where tokens are issued for it (RFC 8707): as the profile says, else where it listens. */
export function resourceOf({ resource }: JwtAuth, host: string, { request, server }: Arrival): string {
  const own = resource || `http://${isIP(host) === 6 ? `[${host}]` : host}:${request.socket.localPort}/mcp`
  return server === undefined ? own : `${own.replace(/\/(?:mcp)?$/, '')}/servers/${encodeURIComponent(server)}/mcp`
}

/** Where its metadata is (RFC 9728, 3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`
}

/** The metadata itself (RFC 9728, 2). */
export function metadataOf({ issuer, scopes }: JwtAuth, resource: string): object {
  return {
    resource,
    authorization_servers: [issuer],
    ...(scopes.length > 0 && { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
  }
}
