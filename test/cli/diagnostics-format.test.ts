import { expect, test } from 'vitest'
import { githubAnnotations, sarifLog } from '../../cli/diagnostics-format.ts'

const problem = {
  severity: 'error',
  code: 'unknown_key',
  message: 'unknown key "a", 100%\nsure',
  file: 'profiles/my dev,1.yaml',
  line: 4,
  column: 5,
  hint: 'did you mean "b"?',
  frame: '',
} as const

test('a GitHub annotation is one line with everything escaped', () => {
  expect(githubAnnotations([problem])).toBe(
    '::error file=profiles/my dev%2C1.yaml,line=4,col=5,title=unknown_key::unknown key "a", 100%25%0Asure (did you mean "b"?)\n',
  )
})

test('a SARIF log has the version, the rules used and a place for each result', () => {
  expect(sarifLog([problem, { ...problem, severity: 'warning' }], '1.0.0')).toMatchObject({
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'mcpctl', version: '1.0.0', rules: [{ id: 'unknown_key' }] } },
        results: [
          {
            ruleId: 'unknown_key',
            level: 'error',
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'profiles/my%20dev,1.yaml' },
                  region: { startLine: 4, startColumn: 5 },
                },
              },
            ],
          },
          { level: 'warning' },
        ],
      },
    ],
  })
})
