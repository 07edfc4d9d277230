import fc from 'fast-check'
import { expect, test } from 'vitest'
import { interpolate, type Lookup, secretsIn } from '../../src/config/interpolate.ts'

const values: Readonly<Record<string, string>> = { A: 'a', E: '', EVIL: '${A} $$ ${' }
const lookup: Lookup = {
  variable: (name) => values[name],
  secret: (name) => (name === 's' ? 'S3CRET' : undefined),
}

test.each([
  ['${A}', 'a'],
  ['x${A}y${A}', 'xaya'],
  ['${E}', ''],
  ['${E:-d}', 'd'],
  ['${E-d}', ''],
  ['${X:-d}', 'd'],
  ['${X-d}', 'd'],
  ['${A:-d}', 'a'],
  ['${X:-}', ''],
  ['${X:-${A}}', 'a'],
  ['${X:-${Y:-${A}z}}', 'az'],
  ['${A:?e}', 'a'],
  ['${E?e}', ''],
  ['${A:+r}', 'r'],
  ['${E:+r}', ''],
  ['${E+r}', 'r'],
  ['${X+r}', ''],
  ['${A:+${A}b}', 'ab'],
  ['$$', '$'],
  ['$${A}', '${A}'],
  ['$$${A}', '$a'],
  ['$A ${A} $', '$A a $'],
  ['${X:-a b}', 'a b'],
  ['${secret:s}', 'S3CRET'],
  ['${X:-${secret:s}}', 'S3CRET'],
  ['${EVIL}', '${A} $$ ${'],
])('%s becomes %j', (text, value) => {
  expect(interpolate(text, lookup)).toEqual({ value, problems: [] })
})

test.each([
  ['${X}', 'unset_variable', 'the variable X is not set', 0],
  ['a ${X:?say why}', 'unset_variable', 'the variable X is not set', 2],
  ['${E:?empty}', 'unset_variable', 'the variable E is empty', 0],
  ['${}', 'bad_interpolation', 'cannot read "${}"', 0],
  ['${A${B}}', 'bad_interpolation', 'cannot read "${A${B}}"', 0],
  ['${A', 'bad_interpolation', 'cannot read "${A"', 0],
  ['${A:-', 'bad_interpolation', 'cannot read "${A:-"', 0],
  ['${A:x}', 'bad_interpolation', 'cannot read "${A:x}"', 0],
  ['${ A }', 'bad_interpolation', 'cannot read "${ A }"', 0],
  ['${secret:}', 'bad_interpolation', 'cannot read "${secret:}"', 0],
  ['${secret:q}', 'unset_secret', 'the secret "q" has no value', 0],
])('%s is a problem: %s', (text, code, message, offset) => {
  expect(interpolate(text, lookup).problems).toEqual([expect.objectContaining({ code, message, offset })])
})

test('a default that is not used may ask for what is not set', () => {
  expect(interpolate('${A:-${X}}${X:+${Y}}', lookup)).toEqual({ value: 'a', problems: [] })
})

test('the reason after a question mark is what to do next', () => {
  expect(interpolate('${X:?ask ${A}}', lookup).problems[0]?.hint).toBe('ask a')
})

test('secrets are found by name wherever they stand, but not where they are escaped', () => {
  expect(secretsIn('${secret:a} ${X:-${secret:b-1}} $${secret:c} $$${secret:d}')).toEqual(['a', 'b-1', 'd'])
})

test('any text survives being escaped and interpolated', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(interpolate(text.replaceAll('$', '$$$$'), lookup)).toEqual({ value: text, problems: [] })
    }),
  )
})

test('a value is never looked at again', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, around) => {
      const plain = around.replaceAll('$', '')
      const result = interpolate(`${plain}\${V}${plain}`, { variable: () => value, secret: () => undefined })
      expect(result).toEqual({ value: plain + value + plain, problems: [] })
    }),
  )
})

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly operator: string; readonly operand: Part }

const text = fc.constantFrom('', 'x', 'a b', '-', ':', '?').map((part): Part => ({ kind: 'text', text: part }))
const { part } = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.record({
      kind: fc.constant('variable' as const),
      name: fc.constantFrom('A', 'E', 'X'),
      operator: fc.constantFrom(':-', '-', ':+', '+'),
      operand: tie('part'),
    }),
  ),
}))

/** What shells say about these operators, in the fewest words. */
function model(node: Part): string {
  if (node.kind === 'text') return node.text
  const value = values[node.name]
  const isSet = node.operator.startsWith(':') ? Boolean(value) : value !== undefined
  if (node.operator.endsWith('+')) return isSet ? model(node.operand) : ''
  return isSet ? (value ?? '') : model(node.operand)
}

function write(node: Part): string {
  return node.kind === 'text' ? node.text : `\${${node.name}${node.operator}${write(node.operand)}}`
}

test('nested expressions mean what the model says', () => {
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const written = parts.map(write).join('')
      expect(interpolate(written, lookup)).toEqual({ value: parts.map(model).join(''), problems: [] })
    }),
  )
})

test('no text at all makes it throw or loop', () => {
  const piece = fc.constantFrom('$', '{', '}', ':', '-', '?', '+', 'A', 'secret:', '${', '$$', ' ')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      expect(typeof interpolate(pieces.join(''), lookup).value).toBe('string')
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['x ${A', 'the closing } is missing'],
  ['${env:HOME}', 'write ${HOME}'],
  ['${env.HOME}', 'write ${HOME}'],
  ['${secrets.crm}', 'write ${secret:crm}'],
  ['${ secret: crm }', 'write ${secret:crm}'],
  ['${}', 'write ${NAME}, ${NAME:-default} or ${secret:NAME}, and $$ for a dollar sign'],
])('the hint on %s is how to write it', (text, hint) => {
  expect(interpolate(text, lookup).problems.map((problem) => problem.hint)).toEqual([hint])
})

test('an expression that cannot be read inside of another is one problem', () => {
  expect(interpolate('${X:-${Y:-${B', lookup).problems.map(({ message }) => message)).toEqual(['cannot read "${B"'])
})
