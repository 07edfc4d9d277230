import { createHash } from 'node:crypto'
import { isMasked } from './mask.ts'
import type { Auth, JwtAuth } from './profile.ts'
import { type Problem, quote } from './source.ts'
import { entriesOf, itemsOf } from './tree.ts'
import { type Field, field, type Reading, readChoice, readText, readTexts, report } from './values.ts'

/** 22 characters of base64 are 128 bits. */
const TOKEN_LENGTH = 22

const HOW_TO_MAKE = 'make one with: openssl rand -base64 32'

/** Instead of a token: what it is compared with anyway. */
const DIGEST = /^sha256:([0-9a-f]{64})$/

/** Who may connect to a group. Never open by mistake: without good tokens it is an error. */
export function authOf(reading: Reading, at: Field, group: string): Auth {
  if (at.node === undefined) return { type: 'none' }
  const type = readChoice(reading, field(at, 'type'), ['bearer', 'jwt', 'none']) ?? 'bearer'
  if (type === 'none') return { type }
  if (type === 'jwt') return jwtOf(reading, at, group)
  const texts = textsOf(reading, field(at, 'tokens'))
  const tokens = texts.flatMap(tokensOf)
  // A token that could not be read has been reported as what it is.
  if (texts.every(({ text }) => text !== undefined)) {
    const problem = problemOf(quote(group), tokens)
    if (problem !== undefined) report(reading, at.node, { ...problem, hint: HOW_TO_MAKE })
  }
  for (const { text } of tokens) if (!DIGEST.test(text)) reading.kept.add(text)
  return { type, tokens: tokens.map(({ name, text }) => ({ name, digest: digestOf(text) })) }
}

interface NamedText {
  readonly name: string
  readonly text: string | undefined
}

/** Those of a list are named by their place. */
function textsOf(reading: Reading, { node, pointer }: Field): readonly NamedText[] {
  const named = entriesOf(node).map(([name]) => [name, field({ node, pointer }, name)] as const)
  const listed = itemsOf(node).map(
    (item, index) => [`${index + 1}`, { node: item, pointer: `${pointer}/${index}` }] as const,
  )
  return [...named, ...listed].map(([name, at]) => ({ name, text: readText(reading, at) }))
}

/** Each may hold several tokens, so that one secret can hold two during a rotation. */
function tokensOf({ name, text = '' }: NamedText) {
  const tokens = text.split(/[\s,]+/).filter((token) => token !== '')
  return tokens.map((token, index) => ({ name: index === 0 ? name : `${name}.${index + 1}`, text: token }))
}

function problemOf(group: string, tokens: readonly { readonly text: string }[]): Problem | undefined {
  if (tokens.length === 0) return { code: 'no_tokens', message: `group ${group} has auth but no tokens` }
  if (!tokens.some(({ text }) => !DIGEST.test(text) && isWeak(text))) return undefined
  const message = `group ${group} has a token that can be guessed: it takes ${TOKEN_LENGTH} random characters`
  return { code: 'weak_token', message }
}

function digestOf(token: string): string {
  return DIGEST.exec(token)?.[1] ?? createHash('sha256').update(token).digest('hex')
}

function jwtOf(reading: Reading, at: Field, group: string): JwtAuth {
  const [issuer, jwks] = [readText(reading, field(at, 'issuer')), readText(reading, field(at, 'jwks'))]
  if (at.node !== undefined && (issuer === undefined || jwks === undefined)) {
    const message = `group ${quote(group)} has auth of type jwt without an issuer or without jwks`
    report(reading, at.node, { code: 'no_issuer', message, hint: 'both belong to the authorization server' })
  }
  return {
    type: 'jwt',
    issuer: issuer ?? '',
    jwks: jwks ?? '',
    audience: readTexts(reading, field(at, 'audience')),
    resource: readText(reading, field(at, 'resource')) ?? '',
    scopes: readTexts(reading, field(at, 'scopes')),
  }
}

/** Short, or of few different characters, or words: nobody's random bytes look like that. */
function isWeak(token: string): boolean {
  if (isMasked(token)) return false
  if (token.length < TOKEN_LENGTH || new Set(token).size < 10) return true
  return /change.?me|secret.?api|your.?token|example|password|placeholder/i.test(token)
}
