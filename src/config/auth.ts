import { isMasked } from './mask.ts'
import type { Auth } from './profile.ts'
import { type Problem, quote } from './source.ts'
import { itemsOf, type Node } from './tree.ts'
import { type Field, field, type Reading, readChoice, readText, report } from './values.ts'

/** 22 characters of base64 are 128 bits. */
const TOKEN_LENGTH = 22

const HOW_TO_MAKE = 'make one with: openssl rand -base64 32'

/** Who may connect to a group. Never open by mistake: without good tokens it is an error. */
export function authOf(reading: Reading, at: Field, group: string): Auth {
  if (at.node === undefined) return { type: 'none' }
  const type = readChoice(reading, field(at, 'type'), ['bearer', 'none']) ?? 'bearer'
  if (type === 'none') return { type }
  const texts = textsOf(reading, field(at, 'tokens'))
  const tokens = texts.flatMap((text) => (text ?? '').split(/[\s,]+/).filter((token) => token !== ''))
  // A token that could not be read has been reported as what it is.
  if (!texts.includes(undefined)) checkTokens(reading, at.node, { group, tokens })
  return { type, tokens }
}

/** Each may hold several tokens, so that one secret can hold two during a rotation. */
function textsOf(reading: Reading, { node, pointer }: Field): (string | undefined)[] {
  return itemsOf(node).map((item, index) => readText(reading, { node: item, pointer: `${pointer}/${index}` }))
}

interface Tokens {
  readonly group: string
  readonly tokens: readonly string[]
}

function checkTokens(reading: Reading, node: Node, { group, tokens }: Tokens): void {
  const problem = problemOf(quote(group), tokens)
  if (problem !== undefined) report(reading, node, { ...problem, hint: HOW_TO_MAKE })
}

function problemOf(group: string, tokens: readonly string[]): Problem | undefined {
  if (tokens.length === 0) return { code: 'no_tokens', message: `group ${group} has auth but no tokens` }
  if (!tokens.some(isWeak)) return undefined
  const message = `group ${group} has a token that can be guessed: it takes ${TOKEN_LENGTH} random characters`
  return { code: 'weak_token', message }
}

/** Short, or of few different characters, or words: nobody's random bytes look like that. */
function isWeak(token: string): boolean {
  if (isMasked(token)) return false
  if (token.length < TOKEN_LENGTH || new Set(token).size < 10) return true
  return /change.?me|secret.?api|your.?token|example|password|placeholder/i.test(token)
}
