import type { Group, Profile, Server, Transport } from './profile.ts'
import { isSecretName } from './secret-shape.ts'

const MASK = '‹secret›'

/** What stands for a secret that is asked for by name. */
export function maskOf(name: string): string {
  return `‹secret:${name}›`
}

/** Whether a text shows which secret it hides. */
export function isMasked(text: string): boolean {
  return text.includes('‹secret:')
}

/** The profile with what looks like a secret replaced too: it may be written out in a file or in a variable. */
export function maskProfile(profile: Profile): Profile {
  return { ...profile, secrets: [], groups: profile.groups.map(maskGroup) }
}

function maskGroup(group: Group): Group {
  return { ...group, servers: group.servers.map(maskServer) }
}

function maskServer(server: Server): Server {
  return { ...server, transport: maskTransport(server.transport) }
}

function maskTransport(transport: Transport): Transport {
  if (transport.kind === 'stdio') return { ...transport, env: maskMap(transport.env) }
  return { ...transport, url: maskUrl(transport.url), headers: maskMap(transport.headers) }
}

function maskMap(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const pairs = Object.entries(values).map(([name, value]) => [name, isSecretName(name) ? mask(value) : value])
  return Object.fromEntries(pairs)
}

/** An address, which may carry a key in its query. */
function maskUrl(text: string): string {
  if (!URL.canParse(text)) return text
  const hidden = [...new URL(text).searchParams].filter(([name, value]) => isSecretName(name) && !isMasked(value))
  return hidden.reduce((shown, [, value]) => shown.replace(encodeURIComponent(value), MASK).replace(value, MASK), text)
}

function mask(text: string): string {
  return isMasked(text) ? text : MASK
}

/** Values that are secrets by the name they stand under: to be redacted although no `secrets:` knows them. */
export function unnamedSecrets(groups: readonly Group[]): string[] {
  return groups.flatMap(({ servers }) => servers.flatMap(({ transport }) => secretValues(transport)))
}

function secretValues(transport: Transport): string[] {
  return namedValues(transport).flatMap(([name, value]) => {
    if (!isSecretName(name)) return []
    const bare = value.replace(/^(?:bearer|basic|token)\s+/i, '')
    return bare === value ? [value] : [value, bare]
  })
}

function namedValues(transport: Transport): (readonly [name: string, value: string])[] {
  if (transport.kind === 'stdio') return Object.entries(transport.env)
  return [
    ...Object.entries(transport.headers),
    ...(URL.canParse(transport.url) ? new URL(transport.url).searchParams : []),
  ]
}
