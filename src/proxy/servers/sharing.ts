import { createHash } from 'node:crypto'
import type { Server } from '../../config/profile.ts'
import { canonical } from '../../shared/canonical.ts'
import type { Caller } from '../mcp/exchange.ts'
import { isRecord } from '../mcp/rpc.ts'
import type { Listing } from '../upstream/listing.ts'

/** Who has an upstream of its own: one legacy session, or all modern callers that declare the same. */
export interface Owner {
  /** The session's `sid`, or a digest of what the modern callers declare. */
  readonly key: string
  readonly session: string | undefined
  readonly capabilities: Caller['capabilities']
  readonly clientInfo: Caller['clientInfo']
}

type Policy = Pick<Server, 'session' | 'stateful' | 'transport'>

/**
 * Whose upstream carries what this caller asks; undefined for the one that all share. `auto` parts only who must be
 * parted: a client with roots (they are its own files), or every client of a server that keeps state.
 */
export function ownerOf(server: Policy, caller: Caller, shared: Listing | undefined): Owner | undefined {
  if (server.session === 'shared') return undefined
  const isProcess = server.transport.kind === 'stdio'
  // A modern server over HTTP has no sessions: what a caller can do comes with each of its requests.
  if (!isProcess && shared?.era === 'modern') return undefined
  if (server.session === 'per-client' || server.stateful) return owner(caller)
  return isRecord(caller.capabilities.roots) && !isProcess ? owner(caller) : undefined
}

/** Asked several times for each call: the digest is made once. */
const owners = new WeakMap<Caller, Owner>()

function owner(caller: Caller): Owner {
  const known = owners.get(caller)
  if (known) return known
  const made = ownerBy(caller)
  owners.set(caller, made)
  return made
}

function ownerBy({ session, principal, capabilities, clientInfo }: Caller): Owner {
  return { key: session ?? digest({ principal, capabilities, clientInfo }), session, capabilities, clientInfo }
}

function digest(profile: unknown): string {
  return createHash('sha256').update(canonical(profile)).digest('base64url')
}

/**
 * The name of a way to a server: the server's own for the upstream all share, `server/owner` for a private one. No
 * server's name has a slash in it.
 */
export function wayOf(server: string, owner: Owner | undefined): string {
  return owner ? `${server}/${owner.key}` : server
}

/** The server a way leads to. */
export function serverOf(way: string): string {
  return way.split('/', 1)[0] ?? way
}

export function isPrivate(way: string): boolean {
  return way.includes('/')
}
