import type { Group, Profile, Server, Transport } from './profile.ts'
import { isSecretName, secretsWithin } from './secret-shape.ts'

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
  if (transport.kind !== 'stdio')
    return { ...transport, url: cover(maskUrl(transport.url)), headers: maskMap(transport.headers) }
  const named = new Set(namedInArgs(transport.args))
  const args = transport.args.map((arg) => [...named].reduce((text, secret) => text.replace(secret, mask), cover(arg)))
  return { ...transport, args, env: maskMap(transport.env) }
}

function maskMap(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const pairs = Object.entries(values).map(([name, value]) => [name, isSecretName(name) ? mask(value) : cover(value)])
  return Object.fromEntries(pairs)
}

/** The text with what is a secret by its form replaced. */
function cover(text: string): string {
  return secretsWithin(text).reduce((covered, secret) => covered.replace(secret, MASK), text)
}

/** An address, which may carry a key in its query. */
function maskUrl(text: string): string {
  const hidden = queryOf(text).filter(([name, value]) => isSecretName(name) && !isMasked(value))
  return hidden.reduce((shown, [, value]) => shown.replace(encodeURIComponent(value), MASK).replace(value, MASK), text)
}

function queryOf(url: string): readonly (readonly [string, string])[] {
  return URL.canParse(url) ? [...new URL(url).searchParams] : []
}

/** No secret of anybody is shorter, and a number of tokens is not one. */
const SHORTEST = 16

/** What follows a flag that is named like a secret: `--api-key VALUE`, `--api-key=VALUE`. */
function namedInArgs(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    const [, joined = '', inside = ''] = /^(-[^=]*)=(.*)$/s.exec(arg) ?? []
    const before = args[at - 1] ?? ''
    const [flag, value] = joined !== '' ? [joined, inside] : [before.includes('=') ? '' : before, arg]
    const isNamed = flag.startsWith('-') && isSecretName(flag) && !value.startsWith('-')
    return isNamed && value.length >= SHORTEST && !/\s/.test(value) ? [value] : []
  })
}

function mask(text: string): string {
  return isMasked(text) ? text : MASK
}

/** Values that are secrets by their form or the name they stand under: to be redacted though no `secrets:` knows them. */
export function unnamedSecrets(groups: readonly Group[]): string[] {
  return groups.flatMap(({ servers }) => servers.flatMap(({ transport }) => secretValues(transport)))
}

function secretValues(transport: Transport): string[] {
  if (transport.kind !== 'stdio') {
    const named = [...Object.entries(transport.headers), ...queryOf(transport.url)]
    return [...secretsWithin(transport.url), ...namedValues(named)]
  }
  const { args, env } = transport
  return [...args.flatMap(secretsWithin), ...namedInArgs(args), ...namedValues(Object.entries(env))]
}

function namedValues(pairs: readonly (readonly [string, string])[]): string[] {
  return pairs.flatMap(([name, value]) => {
    if (!isSecretName(name)) return secretsWithin(value)
    const bare = value.replace(/^(?:bearer|basic|token)\s+/i, '')
    return bare === value ? [value] : [value, bare]
  })
}
