import { expect, test } from 'vitest'
import { hideSecrets } from '../../src/config/secret-shape.ts'

test.each([
  ['a value under a telling name', 'env: { API_KEY: canary, OTHER: x }', 'env: { API_KEY: ••••••, OTHER: x }'],
  ['a quoted one', 'X-Api-Key: "a b, c" # say', 'X-Api-Key: •••••••• # say'],
  ['one in JSON', '{"password":"a\\"b","n":1}', '{"password":••••••,"n":1}'],
  [
    'tokens in a list',
    'tokens: [abcdefgh, "ijklmnop"]\nservers: [unchanged]',
    'tokens: [••••••••, "••••••••"]\nservers: [unchanged]',
  ],
  [
    'tokens on lines',
    'tokens:\n  ours: abcdefgh\n  - ijklmnop\nservers:\n  - unchanged',
    'tokens:\n  ours: ••••••••\n  - ••••••••\nservers:\n  - unchanged',
  ],
  ['a scheme with credentials', 'x: Bearer abcdefghij', 'x: Bearer ••••••••••'],
])('it covers %s', (_what, text, covered) => {
  expect(hideSecrets(text)).toBe(covered)
})

test.each([
  'secrets: { nocodb: { env: NOCODB_TOKEN } }',
  'headers: { a-token: "${secret:x}" }',
  'tokens: { a: "${secret:a}" }',
])('what only names a secret stays: %s', (text) => {
  expect(hideSecrets(text)).toBe(text)
})
