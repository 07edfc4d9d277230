import { createHash } from 'node:crypto'
import { isLoopback } from './check.ts'
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

/** RFC 6749, 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

function jwtOf(reading: Reading, at: Field, group: string): JwtAuth {
  const scopes = readTexts(reading, field(at, 'scopes'))
  const audience = textOrTexts(reading, field(at, 'audience'))
  const wrong = scopes.find((scope) => !SCOPE.test(scope))
  const jwt = { group, reading, at }
  if (wrong !== undefined) reportJwt(jwt, 'scopes', `${quote(wrong)} is not a scope`)
  if (audience.includes('')) reportJwt(jwt, 'audience', 'an audience must not be empty')
  return {
    type: 'jwt',
    issuer: addressOf(jwt, 'issuer'),
    jwks: addressOf(jwt, 'jwks'),
    audience,
    resource: isWritten(field(at, 'resource')) ? addressOf(jwt, 'resource') : '',
    scopes,
  }
}

function textOrTexts(reading: Reading, at: Field): string[] {
  return at.node?.kind === 'scalar' ? [readText(reading, at) ?? ''].filter(() => isWritten(at)) : readTexts(reading, at)
}

function isWritten({ node }: Field): boolean {
  return node !== undefined && !(node.kind === 'scalar' && node.value === null)
}

interface Jwt {
  readonly group: string
  readonly reading: Reading
  readonly at: Field
}

/** As written, since tokens are compared with it letter by letter. */
function addressOf(jwt: Jwt, key: 'issuer' | 'jwks' | 'resource'): string {
  const at = field(jwt.at, key)
  const text = readText(jwt.reading, at) ?? ''
  if (!isWritten(at)) reportJwt(jwt, key, `auth of type jwt needs ${key}`, 'the authorization server says what it is')
  // A secret is not there to be looked at.
  else if (!isMasked(text) && !isGoodUrl(text, key))
    reportJwt(jwt, key, `${key} ${quote(text)} is not an https URL`, 'plain http is only for loopback')
  return text
}

/** Who may come depends on the issuer and its keys, so nobody in between may answer for them. */
function isGoodUrl(text: string, key: 'issuer' | 'jwks' | 'resource'): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || url.username || url.password || url.hash) return false
  const isPlainGood = key === 'resource' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  return url.protocol === 'https:' || (url.protocol === 'http:' && isPlainGood)
}

function reportJwt({ group, reading, at }: Jwt, key: string, what: string, hint = ''): void {
  const node = field(at, key).node ?? at.node
  if (node === undefined || reading.asWritten) return
  report(reading, node, { code: 'bad_auth', message: `group ${quote(group)}: ${what}`, hint })
}

/** Short, or of few different characters, or words: nobody's random bytes look like that. */
function isWeak(token: string): boolean {
  if (isMasked(token)) return false
  if (token.length < TOKEN_LENGTH || new Set(token).size < 10) return true
  return /change.?me|secret.?api|your.?token|example|password|placeholder/i.test(token)
}
