/** Where values come from; what it returns is never looked at again, so that a value cannot ask for another. */
export interface Lookup {
  /** Undefined when unset; the empty text is a value. */
  variable(name: string): string | undefined
  /** Undefined when it is not known or could not be read; who implements it reports why. */
  secret(name: string): string | undefined
}

export interface Interpolated {
  /** With what could not be filled in left out. */
  readonly value: string
  readonly problems: readonly InterpolationProblem[]
}

interface InterpolationProblem {
  readonly code: 'bad_interpolation' | 'unset_variable' | 'unset_secret'
  readonly message: string
  readonly hint: string
  /** Offset in the text. */
  readonly offset: number
}

/** Whether a text has anything to fill in (or to unescape). */
export function hasInterpolation(text: string): boolean {
  return text.includes('${') || text.includes('$$')
}

/**
 * Fills in `${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}` (d, e and r may hold more of them), `${secret:NAME}` and
 * `$$` for one `$`. With `:` an empty value counts as unset. A `$` before anything else is itself.
 */
export function interpolate(text: string, lookup: Lookup): Interpolated {
  const problems: InterpolationProblem[] = []
  const { value } = fill({ text, lookup, problems }, 0, false)
  return { value, problems }
}

interface Scan {
  readonly text: string
  readonly lookup: Lookup
  readonly problems: InterpolationProblem[]
}

/** The value of the text from `start` to its end, or to the `}` that closes the expression around it. */
function fill(scan: Scan, start: number, inner: boolean): { readonly value: string; readonly end: number } {
  const { text } = scan
  let value = ''
  let at = start
  while (at < text.length) {
    if (inner && text[at] === '}') return { value, end: at }
    if (text.startsWith('$$', at)) {
      value += '$'
      at += 2
    } else if (text.startsWith('${', at)) {
      const expression = evaluate(scan, at)
      value += expression.value
      at = expression.end
    } else {
      value += text[at]
      at++
    }
  }
  return { value, end: at }
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const SECRET = /secret:([A-Za-z0-9][A-Za-z0-9._-]*)\}/y
const OPERATOR = /:?[-?+]/y

/** The expression that begins with the `${` at `start`. */
function evaluate(scan: Scan, start: number): { readonly value: string; readonly end: number } {
  const secret = matchAt(SECRET, scan.text, start + 2)
  if (secret !== undefined)
    return { value: secretValue(scan, secret[1] ?? '', start), end: start + 2 + secret[0].length }
  const name = matchAt(NAME, scan.text, start + 2)?.[0]
  if (name === undefined) return malformed(scan, start)
  const after = start + 2 + name.length
  if (scan.text[after] === '}') return { value: required(scan, name, { start, reason: '' }), end: after + 1 }
  const operator = matchAt(OPERATOR, scan.text, after)?.[0]
  if (operator === undefined) return malformed(scan, start)
  return applyOperator(scan, { start, name, operator, operand: after + operator.length })
}

interface Expression {
  readonly start: number
  readonly name: string
  readonly operator: string
  /** Offset of what follows the operator. */
  readonly operand: number
}

function applyOperator(scan: Scan, { start, name, operator, operand }: Expression): { value: string; end: number } {
  // What is not chosen is not asked for: its problems are its own.
  const unused: Scan = { ...scan, problems: [] }
  const found = scan.lookup.variable(name)
  const isSet = operator.startsWith(':') ? found !== undefined && found !== '' : found !== undefined
  const wanted = operator.endsWith('+') ? isSet : !isSet
  const { value, end } = fill(wanted ? scan : unused, operand, true)
  if (scan.text[end] !== '}') return malformed(scan, start)
  if (operator.endsWith('+')) return { value: isSet ? value : '', end: end + 1 }
  if (isSet) return { value: found ?? '', end: end + 1 }
  if (operator.endsWith('-')) return { value, end: end + 1 }
  return { value: required(scan, name, { start, reason: value, empty: found === '' }), end: end + 1 }
}

function required(
  scan: Scan,
  name: string,
  { start, reason, empty = false }: { readonly start: number; readonly reason: string; readonly empty?: boolean },
): string {
  const value = scan.lookup.variable(name)
  if (value !== undefined && !empty) return value
  const state = empty ? 'is empty' : 'is not set'
  const hint = reason === '' ? `set ${name}, or give a default: \${${name}:-value}` : reason
  scan.problems.push({ code: 'unset_variable', message: `the variable ${name} ${state}`, hint, offset: start })
  return ''
}

function secretValue(scan: Scan, name: string, start: number): string {
  const value = scan.lookup.secret(name)
  if (value !== undefined) return value
  scan.problems.push({ code: 'unset_secret', message: `the secret "${name}" has no value`, hint: '', offset: start })
  return ''
}

function malformed(scan: Scan, start: number): { readonly value: string; readonly end: number } {
  const end = scan.text.length
  // What is wrong inside makes what is around it unreadable too: once is enough.
  if (scan.problems.some(({ code, offset }) => code === 'bad_interpolation' && offset > start))
    return { value: '', end }
  const rest = scan.text.slice(start)
  const message = `cannot read "${rest.slice(0, 24)}"`
  scan.problems.push({ code: 'bad_interpolation', message, hint: spelling(rest), offset: start })
  return { value: '', end }
}

/** How to write it, also for what other programs understand: `${env:NAME}`, `${env.NAME}`, `${secrets.NAME}`. */
function spelling(text: string): string {
  if (!text.includes('}')) return 'the closing } is missing'
  const [, name] = /^\$\{\s*env\s*[:.]\s*([A-Za-z_]\w*)/i.exec(text) ?? []
  if (name !== undefined) return `write \${${name}}`
  const [, secret] = /^\$\{\s*secrets?\s*[:.]\s*([A-Za-z0-9][A-Za-z0-9._-]*)/i.exec(text) ?? []
  if (secret !== undefined) return `write \${secret:${secret}}`
  return 'write ${NAME}, ${NAME:-default} or ${secret:NAME}, and $$ for a dollar sign'
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

/** The names of the secrets a text asks for. */
export function secretsIn(text: string): string[] {
  if (!text.includes('${secret:')) return []
  return [...text.matchAll(/(?<!\$)(?:\$\$)*\$\{secret:([A-Za-z0-9][A-Za-z0-9._-]*)\}/g)].map((found) => found[1] ?? '')
}
