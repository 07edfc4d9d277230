import { expect, test } from 'vitest'
import { describeFailure } from '../../cli/failure.ts'
import type { Diagnostic } from '../../src/shared/diagnostic.ts'
import { asError, McpctlError } from '../../src/shared/errors.ts'

const paint = (_style: unknown, text: string) => text

function problem(line: number): Diagnostic {
  return {
    severity: 'error',
    code: 'unknown_key',
    message: `unknown key "k${line}"`,
    file: 'a.yaml',
    line,
    column: 1,
    hint: '',
    frame: '',
  }
}

test('a failure is its message, its problems and what to do next', () => {
  const frame = '  1 | a: b\n> 2 | k2: c\n    | ^^'
  const error = new McpctlError('config_invalid', 'dev is invalid', {
    hint: 'repair it',
    diagnostics: [{ ...problem(2), frame, hint: 'remove it' }],
  })
  expect(describeFailure(error, { paint, verbose: false })).toBe(
    `mcpctl: dev is invalid\na.yaml:2:1 error unknown key "k2"\n  hint: remove it\n${frame}\nhint: repair it\n`,
  )
})

test('of many problems ten are shown and the others counted', () => {
  const diagnostics = Array.from({ length: 13 }, (_, i) => problem(i + 1))
  const text = describeFailure(new McpctlError('config_invalid', 'x', { diagnostics }), { paint, verbose: false })
  expect(text.match(/ error /g)).toHaveLength(10)
  expect(text).toContain('and 3 more')
})

test('an unexpected failure is one line and a hint, and its stack only with -v', () => {
  const error = asError(new TypeError('x is not a function'))
  expect(describeFailure(error, { paint, verbose: false })).toMatch(/^mcpctl: x is not a function\nhint: .*-v.*\n$/)
  expect(describeFailure(error, { paint, verbose: true })).toContain('at ')
})

test('what a server wrote cannot steer the terminal through an error', () => {
  const text = describeFailure(new McpctlError('tool_error', 'bad\u001b[2J'), { paint, verbose: false })
  expect(text).toBe('mcpctl: bad[2J\n')
})
